/** What happens to tasks when their runs, their agents or people change something. */
import { limits } from '#run/limits.ts';
import type { AgentServices } from '../agents/agents.ts';
import { createFirstRuns } from '../agents/first-run-event.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { Core } from '../core/core.ts';
import { describe } from '../core/log.ts';
import type { Change, Tx } from '../core/transaction.ts';
import type { AutomaticRuns } from '../runs/automatic-runs.ts';
import { createAgentTimers } from './agent-timers.ts';
import { Continuation } from './continuation.ts';
import { Handoff } from './handoff.ts';
import { RunJudge } from './run-verdict.ts';
import { TaskReactions } from './task-reactions.ts';
import type { Tasks } from './tasks.ts';
import { Wakes } from './wakes.ts';

export type TaskEngine = {
  readonly wakes: Wakes;
  readonly taskReactions: TaskReactions;
  readonly continuation: Continuation;
  readonly runJudge: RunJudge;
  readonly handoff: Handoff;
  /** Applies what follows from a change, in the same transaction. */
  readonly react: (tx: Tx, change: Change) => void;
  /** Decides again for skipped tasks, and fires the timers of agents that are due. */
  readonly reconsider: () => void;
  /** Reconsiders now and then, for what no event announces, for example the end of a daily limit. */
  readonly start: () => void;
  readonly close: () => void;
};

export function createTaskEngine(
  core: Core,
  { tasks, automaticRuns, budgets, secretsOf, redacted }: EngineParts,
): TaskEngine {
  const { store, supervisor, config, now, folderOf } = core;
  const wakes = new Wakes({ store, supervisor, automaticRuns, now });
  const runJudge = new RunJudge({ store, folderOf });
  const handoff = new Handoff({ store, supervisor, tasks, runJudge, runsFolder: core.home.runs, now, secretsOf });
  const shared = { store, tasks, wakes, redacted, runsMax: config.automatic_runs_max };
  const attemptsMax = config.continuation_attempts;
  const continuation = new Continuation({ ...shared, supervisor, automaticRuns, runJudge, budgets, now, attemptsMax });
  const taskReactions = new TaskReactions({ ...shared, continuation, autoDone: config.auto_done });
  const timers = createAgentTimers({ store, supervisor, wakes, now, log: core.logOf('agent-timers') });
  const noteFirstRun = createFirstRuns(store);

  function react(tx: Tx, change: Change): void {
    if (change.type === 'task') return taskReactions.followChange(tx, change);
    if (change.type === 'report') return taskReactions.followReport(tx, change.run, change.report);
    continuation.followRun(tx, change.before, change.next);
    noteFirstRun(tx, change.before, change.next);
  }

  function reconsiderTasks(): void {
    try {
      continuation.reconsiderAll();
    } catch (error) {
      core.log('error', 'task check failed', { error: describe(error) });
    }
  }

  function reconsider(): void {
    reconsiderTasks();
    timers.look();
  }

  return {
    wakes,
    taskReactions,
    continuation,
    runJudge,
    handoff,
    react,
    reconsider,
    start(): void {
      reconsider();
      setInterval(reconsiderTasks, limits.taskLookMs).unref();
    },
    close: () => timers.close(),
  };
}

type EngineParts = Pick<AgentServices, 'secretsOf' | 'redacted'> & {
  readonly tasks: Tasks;
  readonly automaticRuns: AutomaticRuns;
  readonly budgets: Pick<Budgets, 'mayStart'>;
};
