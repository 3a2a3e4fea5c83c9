/** What every route gets. */
import type { FastifyInstance } from 'fastify';
import type { Home } from '../../config/home.ts';
import type { Run } from '../../run/run.ts';
import type { Store } from '../../store/store.ts';
import type { Admission } from '../admission.ts';
import type { Agents } from '../agents.ts';
import type { Keepers } from '../keepers.ts';
import type { Knowledge } from '../knowledge.ts';
import type { Log } from '../log.ts';
import type { Onward } from '../onward.ts';
import type { Removal } from '../removal.ts';
import type { Reports } from '../reports.ts';
import type { Resolve } from '../resolve.ts';
import type { Room } from '../room.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Spending } from '../spending.ts';
import type { Supervisor } from '../supervisor.ts';
import type { Sweeper } from '../sweeper.ts';
import type { Tails } from '../tails.ts';
import type { Tasks } from '../tasks.ts';
import type { Used } from '../used.ts';
import type { Wakes } from '../wakes.ts';
import type { Watchers } from '../watchers.ts';
import type { Show } from './show.ts';

export type World = {
  readonly home: Home;
  readonly version: string;
  readonly generation: number;
  /** Of this daemon, milliseconds since the epoch. */
  readonly startedAt: number;
  readonly store: Store;
  readonly supervisor: Supervisor;
  readonly admission: Admission;
  readonly agents: Agents;
  readonly tails: Tails;
  readonly removal: Removal;
  readonly reports: Reports;
  readonly spending: Spending;
  readonly used: Used;
  readonly resolve: Resolve;
  readonly scheduler: Scheduler;
  readonly keepers: Keepers;
  readonly sweeper: Sweeper;
  readonly watchers: Watchers;
  readonly folderOf: (run: Run) => string;
  readonly room: Pick<Room, 'trouble' | 'note'>;
  readonly now: () => number;
  readonly log: Log;
  readonly tasks: Tasks;
  readonly wakes: Wakes;
  readonly onward: Onward;
  readonly knowledge: Pick<Knowledge, 'freshen'>;
  readonly backfill: { readonly want: (runs: readonly Run[]) => void };
  /** Whether this is the token that the run was given. */
  readonly tokenFits: (runId: string, token: string) => boolean;
  readonly shutdown: () => Promise<void>;
};

export type Routes = (api: FastifyInstance, world: World & { readonly show: Show }) => void;
