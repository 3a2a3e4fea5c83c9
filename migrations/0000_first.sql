CREATE TABLE `events` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`run` integer,
	`run_id` text,
	`task_id` integer,
	`type` text NOT NULL,
	`data` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `events_by_run` ON `events` (`run`,`seq`);--> statement-breakpoint
CREATE TABLE `groups` (
	`name` text PRIMARY KEY NOT NULL,
	`limit_runs` integer,
	`paused` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `meta` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `run_labels` (
	`label` text NOT NULL,
	`value` text NOT NULL,
	`run` integer NOT NULL,
	PRIMARY KEY(`label`, `value`, `run`)
);
--> statement-breakpoint
CREATE INDEX `run_labels_by_run` ON `run_labels` (`run`);--> statement-breakpoint
CREATE TABLE `runs` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`status` text NOT NULL,
	`name` text,
	`key` text,
	`group_name` text,
	`priority` integer NOT NULL,
	`queued_at` integer NOT NULL,
	`parent_run_id` text,
	`retry_of_run_id` text,
	`retry_reason` text,
	`unsettled` integer NOT NULL,
	`spec` text NOT NULL,
	`lineage` text NOT NULL,
	`state` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `runs_id_unique` ON `runs` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `runs_key_unique` ON `runs` (`key`);--> statement-breakpoint
CREATE UNIQUE INDEX `runs_live_name` ON `runs` (`name`) WHERE status in ('queued', 'starting', 'running', 'stopping') and name is not null;--> statement-breakpoint
CREATE INDEX `runs_by_name` ON `runs` (`name`,`number`) WHERE name is not null;--> statement-breakpoint
CREATE INDEX `runs_queue` ON `runs` (`priority`,`number`) WHERE status = 'queued';--> statement-breakpoint
CREATE INDEX `runs_unsettled` ON `runs` (`number`) WHERE unsettled = 1;--> statement-breakpoint
CREATE INDEX `runs_by_status` ON `runs` (`status`,`number`);--> statement-breakpoint
CREATE INDEX `runs_by_group` ON `runs` (`group_name`,`number`) WHERE group_name is not null;--> statement-breakpoint
CREATE INDEX `runs_by_time` ON `runs` (`queued_at`);--> statement-breakpoint
CREATE INDEX `runs_by_parent` ON `runs` (`parent_run_id`) WHERE parent_run_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `runs_one_loss_retry` ON `runs` (`retry_of_run_id`) WHERE retry_reason = 'process_lost';--> statement-breakpoint
CREATE TABLE `tombstones` (
	`number` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`key` text,
	`status` text NOT NULL,
	`removed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tombstones_id_unique` ON `tombstones` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `tombstones_key_unique` ON `tombstones` (`key`);