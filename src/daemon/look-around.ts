/** Recovery: what disk, keepers and operating system show of unfinished runs becomes facts, through the same door. */

import { crashPoint } from '../launch/crash-point.ts';
import type { Member } from '../process/family.ts';
import { isAliveProcess } from '../process/identity.ts';
import { readExit, readStarted, wasLaunched } from '../process/run-records.ts';
import type { Fact } from '../run/events.ts';
import { limits } from '../run/limits.ts';
import { findingOf, lostMessage, type Sighting } from '../run/recovery.ts';
import { isEnded, type Run } from '../run/run.ts';
import { type Conclude, needsConclusion } from './conclude.ts';
import type { Keepers } from './keepers.ts';
import { endLeftovers } from './leftovers.ts';
import { describe, type Log } from './log.ts';
import type { Submission, Supervisor } from './supervisor.ts';
import type { Sweeper } from './sweeper.ts';

export type LookAround = ReturnType<typeof createLookAround>;

export function createLookAround(world: {
  supervisor: Supervisor;
  keepers: Keepers;
  conclude: Conclude;
  sweeper: Sweeper;
  now: () => number;
  log: Log;
  folderOf: (run: Run) => string;
}) {
  /** Runs whose family is being ended before they can be called lost. */
  const ending = new Set<number>();

  /** Looks at these runs and submits what it sees, all in one transaction. */
  async function look(runs: readonly Run[]): Promise<void> {
    const sightings = await Promise.all(runs.map(async (run) => ({ run, seen: await sight(run) })));
    const facts: Submission[] = [];
    for (const { run, seen: before } of sightings) {
      // It changed while the processes were looked at: what was seen is old, and the heartbeat looks again.
      if (world.supervisor.find(run.number)?.state !== run.state) continue;
      const seen = { ...before, exit: before.exit ?? readExit(world.folderOf(run)), keeper: before.keeper ?? world.keepers.held(run.id) };
      const finding = findingOf(run, seen);
      if (finding.kind === 'fact') {
        const { fact } = finding;
        // A log may be long: nobody waits for its reading, not even the start of the daemon.
        if (needsConclusion(run, fact)) void world.conclude(run, fact);
        else facts.push({ number: run.number, event: fact });
      }
      if (finding.kind === 'end-family-first') void endFamily(run, seen);
    }
    const lost = facts.some(({ event }) => event.type === 'process-lost');
    if (lost) crashPoint('lost.before-commit');
    recordAll(facts);
    if (lost) crashPoint('lost.after-commit');
    world.log('info', 'looked around', { runs: runs.length, facts: facts.length });
  }

  /** In one transaction; where one of them cannot be recorded, a lost run for whose repeat there is no room, say, the others are all the same. */
  function recordAll(facts: readonly Submission[]): void {
    if (facts.length === 0) return;
    try {
      world.supervisor.submitAll(facts);
    } catch (error) {
      if (facts.length === 1) throw error;
      const failures = facts.flatMap((fact) => {
        try {
          world.supervisor.submitAll([fact]);
          return [];
        } catch (failure) {
          return [failure];
        }
      });
      // Whoever asked looks again.
      if (failures.length > 0) throw failures[0];
    }
  }

  async function sight(run: Run): Promise<Sighting> {
    const folder = world.folderOf(run);
    const exit = readExit(folder);
    const keeper = exit ? null : world.keepers.held(run.id);
    const started = readStarted(folder) ?? startedOf(run);
    const launched = wasLaunched(folder);
    const nothing: Sighting = { exit, launched, started, keeper, leaderAlive: false, relatives: [], candidate: null, everythingReadable: true };
    // The surest evidence needs no sweep; and what was never launched can have no processes.
    if (exit || keeper || (!launched && !started)) return nothing;
    if (started && isAliveProcess(started.leader)) return { ...nothing, leaderAlive: true };
    const { members, everythingReadable } = await world.sweeper.find(run.id, started?.leader ?? null);
    const candidate = started ? null : leaderAmong(members, world.now());
    return { ...nothing, relatives: members.map(({ pid }) => pid), candidate, everythingReadable };
  }

  async function endFamily(run: Run, seen: Sighting): Promise<void> {
    if (ending.has(run.number)) return;
    ending.add(run.number);
    try {
      const killAt = world.now() + limits.leftoverGraceMs;
      const ended = await endLeftovers(world.sweeper, world.now, { runId: run.id, leader: seen.started?.leader ?? null }, { leave: false, killAt, keep: [] });
      // Its keeper may have been alive after all, and have written down how it ended.
      if (readExit(world.folderOf(run)) !== null) return await look([world.supervisor.find(run.number) ?? run]);
      const message = lostMessage(
        ended.map(({ pid }) => pid),
        seen.everythingReadable,
      );
      const certain = seen.started !== null || seen.everythingReadable;
      const lost = { type: 'process-lost', message, certain, report: null } as const;
      if (needsConclusion(run, lost)) await world.conclude(run, lost);
      else recordLost(run, lost);
    } catch (error) {
      world.log('error', 'the family of a lost run could not be ended', { run: run.number, error: describe(error) });
    } finally {
      ending.delete(run.number);
    }
  }

  function recordLost(run: Run, lost: Fact): void {
    crashPoint('lost.before-commit');
    world.supervisor.submit(run.number, lost);
    crashPoint('lost.after-commit');
  }

  return { look };
}

function startedOf(run: Run): Sighting['started'] {
  const { state } = run;
  return state.status === 'running' || state.status === 'stopping' ? { leader: state.leader, at: state.startedAt } : null;
}

/** The oldest carrier of the mark that leads its own session: what the keeper started before it could write so. */
function leaderAmong(members: readonly Member[], at: number): Sighting['candidate'] {
  const [oldest] = members.filter(({ pid, session }) => pid === session).sort((a, b) => a.startTime - b.startTime);
  if (!oldest) return null;
  const { pid, pgid, startTime, bootId } = oldest;
  return { leader: { pid, pgid, startTime, bootId }, at };
}

/** The unfinished ones among runs that are not at rest. */
export function unfinished(runs: readonly Run[]): Run[] {
  return runs.filter(({ state }) => !isEnded(state));
}
