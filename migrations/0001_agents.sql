CREATE TABLE `accounts` (
	`run` integer PRIMARY KEY NOT NULL,
	`stdout_offset` integer NOT NULL,
	`stderr_offset` integer NOT NULL,
	`totals_before` text,
	`glance` text NOT NULL,
	`account` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `agents` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`settings` text NOT NULL,
	`paused` integer NOT NULL,
	`created_at` integer NOT NULL,
	`removed_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `agents_name` ON `agents` (`name`) WHERE removed_at is null;--> statement-breakpoint
CREATE TABLE `sessions` (
	`owner` text NOT NULL,
	`id` text NOT NULL,
	`cwd` text NOT NULL,
	`totals` text NOT NULL,
	`run` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`owner`, `id`)
);
--> statement-breakpoint
ALTER TABLE `runs` ADD `agent_id` text;--> statement-breakpoint
CREATE INDEX `runs_by_agent` ON `runs` (`agent_id`,`number`) WHERE agent_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `runs_one_fresh_retry` ON `runs` (`retry_of_run_id`) WHERE retry_reason = 'unknown_session';--> statement-breakpoint
CREATE INDEX `runs_by_retried` ON `runs` (`retry_of_run_id`) WHERE retry_of_run_id is not null;--> statement-breakpoint
ALTER TABLE `tombstones` ADD `agent_id` text;--> statement-breakpoint
ALTER TABLE `tombstones` ADD `usage` text;