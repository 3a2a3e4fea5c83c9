CREATE TABLE `comments` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`task` integer NOT NULL,
	`author` text NOT NULL,
	`run` integer,
	`key` text,
	`text` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `comments_key_unique` ON `comments` (`key`);--> statement-breakpoint
CREATE INDEX `comments_by_task` ON `comments` (`task`,`id`);--> statement-breakpoint
CREATE INDEX `comments_by_run` ON `comments` (`run`) WHERE run is not null;--> statement-breakpoint
CREATE TABLE `documents` (
	`task` integer NOT NULL,
	`key` text NOT NULL,
	`revision` integer NOT NULL,
	`title` text,
	`body` text NOT NULL,
	`author` text NOT NULL,
	`run` integer,
	`at` integer NOT NULL,
	PRIMARY KEY(`task`, `key`, `revision`)
);
--> statement-breakpoint
CREATE INDEX `documents_by_run` ON `documents` (`run`) WHERE run is not null;--> statement-breakpoint
CREATE TABLE `reports` (
	`run` integer NOT NULL,
	`id` text NOT NULL,
	`task` integer,
	`kind` text NOT NULL,
	`text` text NOT NULL,
	`who` text,
	`at` integer NOT NULL,
	PRIMARY KEY(`run`, `id`)
);
--> statement-breakpoint
CREATE TABLE `tasks` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`title` text NOT NULL,
	`description` text,
	`acceptance` text,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`priority` integer NOT NULL,
	`assignee` text,
	`agent_id` text,
	`blocked_reason` text,
	`blocked_next` text,
	`cwd` text,
	`made_in` text NOT NULL,
	`checkout_run_id` text,
	`execution_run_id` text,
	`budget_left` integer NOT NULL,
	`budget` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `tasks_by_status` ON `tasks` (`status`,`number`);--> statement-breakpoint
CREATE INDEX `tasks_by_agent` ON `tasks` (`agent_id`,`status`) WHERE agent_id is not null;--> statement-breakpoint
CREATE TABLE `wakes` (
	`id` text PRIMARY KEY NOT NULL,
	`task` integer,
	`agent_id` text NOT NULL,
	`source` text NOT NULL,
	`reason` text NOT NULL,
	`payload` text NOT NULL,
	`idempotency_key` text,
	`status` text NOT NULL,
	`coalesced_count` integer NOT NULL,
	`run_id` text,
	`requested_at` integer NOT NULL,
	`not_before` integer,
	`claimed_at` integer,
	`finished_at` integer,
	`error` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `wakes_idempotency_key_unique` ON `wakes` (`idempotency_key`);--> statement-breakpoint
CREATE INDEX `wakes_by_task` ON `wakes` (`task`,`requested_at`);--> statement-breakpoint
CREATE INDEX `wakes_waiting` ON `wakes` (`agent_id`,`task`) WHERE status in ('queued', 'deferred');--> statement-breakpoint
CREATE INDEX `wakes_by_run` ON `wakes` (`run_id`) WHERE run_id is not null;--> statement-breakpoint
ALTER TABLE `agents` ADD `timer_at` integer;--> statement-breakpoint
ALTER TABLE `runs` ADD `task_id` integer;--> statement-breakpoint
CREATE INDEX `runs_by_task` ON `runs` (`task_id`,`number`) WHERE task_id is not null;--> statement-breakpoint
ALTER TABLE `tombstones` ADD `task_id` integer;--> statement-breakpoint
ALTER TABLE `tombstones` ADD `advanced` integer;--> statement-breakpoint
CREATE INDEX `events_by_task` ON `events` (`task_id`,`seq`) WHERE task_id is not null;