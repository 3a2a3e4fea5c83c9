/** Waits until nothing happens to a task any more without a person. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunView } from '#protocol/answers.ts';
import type { TaskShowAnswer, TaskView } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import type { Client } from './client.ts';
import { allReached } from './wait-for-runs.ts';

/** How often a task without a live run is looked at. */
const lookMs = 1_000;

/** Returns the number of a task from `T7`, or null for anything else. */
export function parseTaskRef(ref: string): number | null {
  return /^t[1-9]\d{0,14}$/i.test(ref) ? Number(ref.slice(1)) : null;
}

/** Returns whether a person has to act before anything happens to the task. */
export function isAtRest({ status }: Pick<TaskView, 'status'>): boolean {
  return status === 'done' || status === 'cancelled' || status === 'in_review' || status === 'blocked';
}

/**
 * Returns whether nothing works on the task and nothing will by itself. A task that is paused, by a budget or with its
 * agent, continues when the pause is over. A run may have started since the runs were looked at.
 */
function isIdle({ task, wakes }: TaskShowAnswer): boolean {
  return (
    task.paused === null &&
    task.executionRunId === null &&
    wakes.every(({ status }) => status !== 'queued' && status !== 'deferred')
  );
}

/** Waits until the task is done, cancelled, in review or blocked, and no run of it is left. Returns it then. */
export async function taskAtRest(client: Client, task: number): Promise<TaskView> {
  for (;;) {
    // An older run may outlast the newest one, and the newest may still be finalized.
    const open = (await findNewestRun(client, task, { live: true })) ?? (await findNewestRun(client, task));
    if (open !== null && !open.settled) {
      await allReached(client, [open.number], 'ended');
      continue;
    }
    const found = await client.call<TaskShowAnswer>('GET', `/v1/tasks/${task}`);
    if (isAtRest(found.task) || isIdle(found)) return found.task;
    await sleep(lookMs);
  }
}

/** Returns the run that follows this one in its task, once this one is settled; null if none does. */
export async function findNextRun(client: Client, task: number, after: RunView): Promise<RunView | null> {
  await allReached(client, [after.number], 'ended');
  const run = await findNewestRun(client, task);
  return run !== null && run.number > after.number ? run : null;
}

/**
 * Returns the newest run of a task, or with `live` the newest that has not ended; null if there is none. Throws
 * not_found if there is no such task.
 */
async function findNewestRun(client: Client, task: number, { live = false } = {}): Promise<RunView | null> {
  const query = `task=${task}&limit=1${live ? '&live=true' : ''}`;
  try {
    const { runs } = await client.call<{ runs: RunView[] }>('GET', `/v1/runs?${query}`);
    return runs[0] ?? null;
  } catch (error) {
    if (!(error instanceof ClipError) || error.code !== 'not_found') throw error;
    throw new ClipError('not_found', `There is no task T${task}.`, 'clip task list shows them.');
  }
}
