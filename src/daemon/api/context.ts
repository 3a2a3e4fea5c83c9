/** The dependencies of every route. */
import type { FastifyInstance } from 'fastify';
import type { Home } from '#config/home.ts';
import type { Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Agents } from '../agents/agent-registry.ts';
import type { KeptEnvironments } from '../agents/kept-environments.ts';
import type { RunTokens } from '../agents/run-tokens.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { CostNotice } from '../budgets/cost-notice.ts';
import type { UsageMeter } from '../budgets/usage.ts';
import type { ChangeFeed } from '../core/change-feed.ts';
import type { DiskGuard } from '../core/disk-guard.ts';
import type { LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Reports } from '../output/agent-reports.ts';
import type { LogFollower } from '../output/log-follower.ts';
import type { Keepers } from '../processes/keepers.ts';
import type { ProcessScanner } from '../processes/process-scanner.ts';
import type { Scheduler } from '../queue/scheduler.ts';
import type { Admission } from '../runs/admission.ts';
import type { Removal } from '../runs/prune.ts';
import type { Resolve } from '../runs/resolve-ref.ts';
import type { Handoff } from '../tasks/handoff.ts';
import type { TaskReactions } from '../tasks/task-reactions.ts';
import type { Tasks } from '../tasks/tasks.ts';
import type { Wakes } from '../tasks/wakes.ts';
import type { Show } from './run-view.ts';

export type ApiContext = {
  readonly home: Home;
  readonly version: string;
  readonly generation: number;
  /** Start of this daemon; milliseconds since the epoch. */
  readonly startedAt: number;
  readonly store: Store;
  readonly supervisor: Supervisor;
  readonly admission: Admission;
  readonly environments: KeptEnvironments;
  readonly agents: Agents;
  readonly logFollower: LogFollower;
  readonly removal: Removal;
  readonly reports: Reports;
  readonly budgets: Budgets;
  readonly usageMeter: UsageMeter;
  readonly resolve: Resolve;
  readonly scheduler: Scheduler;
  readonly keepers: Keepers;
  readonly scanner: ProcessScanner;
  readonly changeFeed: ChangeFeed;
  readonly folderOf: (run: Run) => string;
  readonly diskGuard: Pick<DiskGuard, 'trouble' | 'note'>;
  readonly now: () => number;
  readonly log: LogFunction;
  readonly tasks: Tasks;
  readonly wakes: Wakes;
  /** Decides again about tasks that were waiting, and looks at the timers. */
  readonly reconsider: () => void;
  readonly taskReactions: TaskReactions;
  readonly costNotice: CostNotice;
  readonly handoff: Pick<Handoff, 'freshen'>;
  readonly backfill: { readonly enqueue: (runs: readonly Run[]) => void };
  readonly tokens: RunTokens;
  readonly shutdown: () => Promise<void>;
};

export type RouteDeps = ApiContext & { readonly show: Show };
export type Routes = (api: FastifyInstance, deps: RouteDeps) => void;
