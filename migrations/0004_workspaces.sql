CREATE TABLE `task_baselines` (
	`task` integer NOT NULL,
	`root` text NOT NULL,
	`run` integer NOT NULL,
	`found` text NOT NULL,
	PRIMARY KEY(`task`, `root`)
);
--> statement-breakpoint
CREATE TABLE `workspace_states` (
	`run` integer PRIMARY KEY NOT NULL,
	`task` integer,
	`streak` integer NOT NULL,
	`found` text,
	`marks` text
);
--> statement-breakpoint
CREATE INDEX `workspace_states_by_task` ON `workspace_states` (`task`,`run`) WHERE task is not null;--> statement-breakpoint
CREATE INDEX `workspace_states_found` ON `workspace_states` (`run`) WHERE found is not null;