CREATE TABLE `usage_changes` (
	`run` integer PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE `usage_entries` (
	`run` integer PRIMARY KEY NOT NULL,
	`task` integer NOT NULL,
	`agent` text NOT NULL,
	`queued_at` integer NOT NULL,
	`listed` integer NOT NULL,
	`ended_at` integer NOT NULL,
	`runs` integer NOT NULL,
	`started` integer NOT NULL,
	`time_ms` integer NOT NULL,
	`awake_ms` integer NOT NULL,
	`input` integer NOT NULL,
	`output` integer NOT NULL,
	`cost` integer NOT NULL,
	`tokens_unknown` integer NOT NULL,
	`tokens_partial` integer NOT NULL,
	`cost_unknown` integer NOT NULL,
	`cost_partial` integer NOT NULL,
	`judged` integer NOT NULL,
	`advanced` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `usage_entries_by_end` ON `usage_entries` (`ended_at`);--> statement-breakpoint
CREATE INDEX `usage_entries_by_task` ON `usage_entries` (`task`,`ended_at`) WHERE task > 0;--> statement-breakpoint
CREATE TABLE `usage_sums` (
	`task` integer NOT NULL,
	`span` integer NOT NULL,
	`agent` text NOT NULL,
	`slot` integer NOT NULL,
	`newest` integer NOT NULL,
	`listed` integer NOT NULL,
	`tasks` integer DEFAULT 0 NOT NULL,
	`runs` integer NOT NULL,
	`started` integer NOT NULL,
	`time_ms` integer NOT NULL,
	`awake_ms` integer NOT NULL,
	`input` integer NOT NULL,
	`output` integer NOT NULL,
	`cost` integer NOT NULL,
	`tokens_unknown` integer NOT NULL,
	`tokens_partial` integer NOT NULL,
	`cost_unknown` integer NOT NULL,
	`cost_partial` integer NOT NULL,
	`judged` integer NOT NULL,
	`advanced` integer NOT NULL,
	PRIMARY KEY(`task`, `span`, `agent`, `slot`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `usage_sums_of_tasks` ON `usage_sums` (`agent`,`newest`,`task`) WHERE span = 0 and task >= 0 and runs > 0;--> statement-breakpoint
CREATE INDEX `events_of_clock` ON `events` (`run`) WHERE type = 'clock-jumped';--> statement-breakpoint
CREATE INDEX `runs_in_ledger` ON `runs` (`number`) WHERE (agent_id is not null or task_id is not null);--> statement-breakpoint
CREATE INDEX `runs_open_of_task` ON `runs` (`task_id`) WHERE task_id is not null and (status = 'queued' or unsettled = 1);--> statement-breakpoint
CREATE INDEX `tasks_of_agents` ON `tasks` ("priority" desc,`number`) WHERE +status in ('todo', 'in_progress') and dismissed_at is null and agent_id is not null;--> statement-breakpoint
CREATE INDEX `tasks_of_person` ON `tasks` ("priority" desc,`number`) WHERE +status in ('todo', 'in_progress') and dismissed_at is null and agent_id is null and assignee is not null;--> statement-breakpoint
CREATE INDEX `tasks_needing_person` ON `tasks` (`updated_at`) WHERE +status in ('blocked', 'in_review') and dismissed_at is null;--> statement-breakpoint
CREATE INDEX `tasks_with_budget` ON `tasks` (`number`) WHERE budget is not null and +status in ('todo', 'in_progress');--> statement-breakpoint
-- Notes each run whose use may have changed, whoever changes it.
CREATE TRIGGER `usage_run_added` AFTER INSERT ON runs
WHEN (NEW.agent_id IS NOT NULL OR NEW.task_id IS NOT NULL)
BEGIN INSERT INTO usage_changes (run) VALUES (NEW.number) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_run_changed` AFTER UPDATE OF status, state ON runs
WHEN (NEW.status IN ('succeeded', 'failed', 'cancelled', 'timed_out') OR OLD.status IN ('succeeded', 'failed', 'cancelled', 'timed_out')) AND (NEW.agent_id IS NOT NULL OR NEW.task_id IS NOT NULL)
BEGIN INSERT INTO usage_changes (run) VALUES (NEW.number) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_run_removed` AFTER DELETE ON runs
WHEN (OLD.agent_id IS NOT NULL OR OLD.task_id IS NOT NULL)
BEGIN INSERT INTO usage_changes (run) VALUES (OLD.number) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_account_added` AFTER INSERT ON accounts
WHEN EXISTS (SELECT 1 FROM runs WHERE number = NEW.run AND status IN ('succeeded', 'failed', 'cancelled', 'timed_out'))
BEGIN INSERT INTO usage_changes (run) VALUES (NEW.run) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_account_changed` AFTER UPDATE OF glance ON accounts
WHEN EXISTS (SELECT 1 FROM runs WHERE number = NEW.run AND status IN ('succeeded', 'failed', 'cancelled', 'timed_out'))
BEGIN INSERT INTO usage_changes (run) VALUES (NEW.run) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_account_removed` AFTER DELETE ON accounts
WHEN EXISTS (SELECT 1 FROM runs WHERE number = OLD.run AND status IN ('succeeded', 'failed', 'cancelled', 'timed_out'))
BEGIN INSERT INTO usage_changes (run) VALUES (OLD.run) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_tombstone_added` AFTER INSERT ON tombstones
WHEN (NEW.agent_id IS NOT NULL OR NEW.task_id IS NOT NULL)
BEGIN INSERT INTO usage_changes (run) VALUES (NEW.number) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_tombstone_changed` AFTER UPDATE ON tombstones
WHEN (NEW.agent_id IS NOT NULL OR NEW.task_id IS NOT NULL)
BEGIN INSERT INTO usage_changes (run) VALUES (NEW.number) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_tombstone_removed` AFTER DELETE ON tombstones
WHEN (OLD.agent_id IS NOT NULL OR OLD.task_id IS NOT NULL)
BEGIN INSERT INTO usage_changes (run) VALUES (OLD.number) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `usage_clock_jumped` AFTER INSERT ON events
WHEN NEW.type = 'clock-jumped' AND NEW.run IS NOT NULL
BEGIN INSERT INTO usage_changes (run) VALUES (NEW.run) ON CONFLICT DO NOTHING; END;
--> statement-breakpoint
-- The next program that opens the database books all runs.
INSERT INTO usage_changes (run) VALUES (0);
