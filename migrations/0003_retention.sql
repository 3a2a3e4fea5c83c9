CREATE TABLE `archived_logs` (
	`run` integer PRIMARY KEY NOT NULL,
	`ended_at` integer NOT NULL,
	`stdout_bytes` integer,
	`stderr_bytes` integer,
	`stdout_form` text NOT NULL,
	`stderr_form` text NOT NULL,
	`last_output_at` integer,
	`last_words` text,
	`stored_bytes` integer NOT NULL,
	`removed_at` integer,
	`cleared` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `archived_logs_kept` ON `archived_logs` (`ended_at`,`run`,`stored_bytes`) WHERE removed_at is null and stored_bytes > 0;--> statement-breakpoint
CREATE INDEX `archived_logs_uncleared` ON `archived_logs` (`run`) WHERE removed_at is not null and cleared = 0;--> statement-breakpoint
ALTER TABLE `runs` ADD `archived` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `runs_to_archive` ON `runs` (`number`) WHERE archived = 0 and unsettled = 0 and status in ('succeeded', 'failed', 'cancelled', 'timed_out');