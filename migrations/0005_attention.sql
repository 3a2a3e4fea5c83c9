ALTER TABLE `runs` ADD `needs_person` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `runs_needing_person` ON `runs` (`number`) WHERE needs_person = 1;--> statement-breakpoint
ALTER TABLE `tasks` ADD `status_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `dismissed_at` integer;