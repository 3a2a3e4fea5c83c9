/** The proofs for each crash point: the scenario that reaches it, how its runs end, and why that is correct. */
import type { Failpoint } from '#launch/failpoints.ts';
import {
  archived,
  batch,
  briefAgent,
  canceledUnread,
  deferred,
  gated,
  gatedAgent,
  lost,
  lostAgent,
  outOfDescriptors,
  plain,
  plainNoRetry,
  pruned,
  reconnected,
  removed,
  repaired,
  retained,
  type Scenario,
  steady,
  stubborn,
  task,
} from './crash.ts';

/** `ends`: how each run ended, the oldest first. A single entry stands for all runs of a scenario with many. */
export type Proof = {
  readonly nth?: number;
  readonly when: Scenario;
  readonly ends: readonly string[];
  readonly so: string;
};

const exited = 'exit_nonzero 7';
const isLost = 'process_lost null';
const succeeded = 'succeeded 0';
const cancelled = 'cancelled null';

export const proofs: Readonly<Record<Failpoint, readonly Proof[]>> = {
  'admit.before-commit': [
    {
      when: plain,
      ends: [exited],
      so: 'nothing was admitted; submitted again with its key it is one run, started once',
    },
  ],
  'admit.after-commit': [
    {
      when: plain,
      ends: [exited],
      so: 'the run is there; submitted again with its key it is the same one, started once',
    },
  ],
  'batch.middle': [
    {
      when: batch,
      ends: [succeeded],
      so: 'a part of the batch is there; sent again with its keys each line is one run, started once',
    },
  ],
  'step.before-commit': [
    {
      when: plain,
      ends: [exited],
      so: 'what happened to the run was not recorded; it is seen in its folder and recorded once',
    },
    { nth: 2, when: steady, ends: [exited], so: 'neither is its end, which is seen there as well' },
    { nth: 3, when: steady, ends: [exited], so: 'neither are its last steps, which are done again' },
  ],
  'step.after-commit': [
    { when: plain, ends: [exited], so: 'what happened to the run is recorded; what follows from it follows' },
    { nth: 2, when: steady, ends: [exited], so: 'its end is recorded, and its last steps are done' },
    { nth: 3, when: steady, ends: [exited], so: 'nothing is left to do, and nothing is done' },
  ],
  'spawn.before-launch-file': [
    { when: plain, ends: [exited], so: 'the run was never started, and is started by the next keeper' },
  ],
  'spawn.after-launch-file': [
    {
      when: plainNoRetry,
      ends: [isLost],
      so: 'the run is lost, for it may have been started; it is not started again blindly',
    },
  ],
  'spawn.withdrawn': [
    {
      when: canceledUnread,
      ends: [succeeded, cancelled, succeeded],
      so: 'the launch is taken back by the next daemon as well, and the run never starts',
    },
  ],
  'spawn.taken-back': [
    { when: outOfDescriptors, ends: [exited], so: 'the run was never started, and is started by the next keeper' },
  ],
  'spawn.after-spawn': [
    {
      when: gated,
      ends: [isLost, exited],
      so: 'the process is found by its mark and goes on; its exit code stays unknown, and one retry follows',
    },
  ],
  'spawn.after-started-file': [
    {
      when: gated,
      ends: [isLost, exited],
      so: 'the process is found by its record and goes on; its exit code stays unknown, and one retry follows',
    },
  ],
  'spawn.before-recorded': [
    {
      when: gated,
      ends: [exited],
      so: 'the keeper tells the next daemon that the run lives, and it is not started again',
    },
  ],
  'tail.after-readings': [
    { when: gatedAgent, ends: [succeeded], so: 'what was read and not stored is read again, and counted once' },
    { nth: 2, when: briefAgent, ends: [succeeded], so: 'likewise the last words of a run that has ended' },
  ],
  'exit.before-exit-file': [
    { when: plain, ends: [isLost, exited], so: 'the exit code is not known: it is null, and one retry follows' },
  ],
  'exit.after-exit-file': [{ when: plain, ends: [exited], so: 'the exit code is read from its file' }],
  'exit.before-recorded': [
    { when: plain, ends: [exited], so: 'the exit code is read from its file, and recorded once' },
    { when: briefAgent, ends: [succeeded], so: 'likewise that of an agent, whose stream is read once' },
  ],
  'lost.before-commit': [
    { when: lost, ends: [isLost, exited], so: 'the run is found lost by the next daemon, and repeated once' },
    { when: lostAgent, ends: [isLost, succeeded], so: 'likewise that of an agent, which goes on with its session' },
  ],
  'lost.after-commit': [
    {
      when: lost,
      ends: [isLost, exited],
      so: 'the run is lost and its retry stored with it: it is not repeated again',
    },
    { when: lostAgent, ends: [isLost, succeeded], so: 'likewise that of an agent' },
  ],
  'finalize.after-workspace': [
    { when: briefAgent, ends: [succeeded], so: 'the work folder is compared again with how it was before the run' },
  ],
  'finalize.after-leftovers': [
    { when: plain, ends: [exited], so: 'what the run left behind is gone, and looked for again' },
  ],
  'finalize.after-liveness': [
    { when: task, ends: [succeeded, succeeded], so: 'the run is judged again, and continued once' },
  ],
  'finalize.after-summary': [
    { when: task, ends: [succeeded, succeeded], so: 'the summary is written again, and the task continued once' },
  ],
  'finalize.after-wake': [
    {
      when: task,
      ends: [succeeded, succeeded],
      so: 'what follows was stored with the decision, and does not follow again',
    },
  ],
  'wake.promoted': [
    {
      when: deferred,
      ends: [succeeded, succeeded],
      so: 'the wake that waited has its turn again, and leads to one run',
    },
  ],
  'stop.after-recorded': [
    { when: stubborn, ends: [cancelled], so: 'the stop is on disk, and the next daemon carries it out' },
  ],
  'stop.after-term': [
    { when: stubborn, ends: [cancelled], so: 'the stop goes on: asked again, then killed after its grace' },
  ],
  'stop.after-kill': [{ when: stubborn, ends: [cancelled], so: 'the run is dead, and has the end that was ordered' }],
  'keeper.hello': [
    { when: plain, ends: [exited], so: 'another keeper is started, and starts the run' },
    {
      nth: 2,
      when: reconnected,
      ends: [isLost, exited],
      so: 'the runs of the dead keeper go on without it; their exit codes stay unknown',
    },
  ],
  'migrate.middle': [
    { when: plain, ends: [exited], so: 'nothing of the migration was kept; the next daemon starts it again' },
  ],
  'repair.before-ready': [
    {
      when: repaired,
      ends: [exited, exited],
      so: 'nothing has happened to the damaged database; the next repair starts again',
    },
  ],
  'repair.before-place': [
    {
      when: repaired,
      ends: [exited, exited],
      so: 'the damaged database is set aside as well as in its place; no daemon starts before the next repair has done the rest',
    },
  ],
  'rm.middle': [
    { when: removed, ends: [], so: 'the run is removed, its folder goes as well, and its number stays taken' },
  ],
  'prune.middle': [
    { when: pruned, ends: [], so: 'the runs are removed, their folders go as well, and their numbers stay taken' },
  ],
  'archive.before-removal': [
    { when: archived, ends: [exited], so: 'the log is there in both forms, and is compressed again' },
  ],
  'archive.after-removal': [{ when: archived, ends: [exited], so: 'the log is there compressed, and found so' }],
  'retain.middle': [{ when: retained, ends: [exited], so: 'the logs are gone, and their files go as well' }],
};
