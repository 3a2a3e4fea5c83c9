/**
 * The driver's own record of a round: its requests, the answers and the faults. The checks compare the home with it.
 */
import type { EventView, RunView } from '#protocol/answers.ts';

/** An order as it was submitted. Every attempt has the same arguments. */
export type Submitted = {
  readonly args: readonly string[];
  readonly keyed: boolean;
  readonly after: number | null;
  tries: number;
  number: number | null;
};
/**
 * The output that a client following a log received. `whole`: it ended by itself, which means that the log was
 * complete.
 */
export type Heard = {
  readonly number: number;
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
  readonly whole: boolean;
};

export type RoundRecord = ReturnType<typeof createRecord>;

export function createRecord() {
  const wrong: string[] = [];
  const counts = new Map<string, number>();
  return {
    /** Violations that the driver has seen itself. */
    wrong,
    /** The number of occurrences of each action, fault and outcome. */
    counts,
    count: (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1),
    /** Submissions by the name of their order. */
    submitted: new Map<string, Submitted>(),
    /** Run numbers that `clip retry` answered, and the number of requests for each run. */
    retried: { answered: new Map<number, number>(), asked: new Map<number, number>() },
    /** Ends that clients received. */
    ends: [] as RunView[],
    /** Exit codes of `clip wait`. */
    waits: [] as { readonly numbers: readonly number[]; readonly code: number }[],
    heard: [] as Heard[],
    /** Runs whose removal was requested: their events, and whether the removal was confirmed. */
    removed: new Map<number, { readonly seqs: readonly number[]; gone: boolean }>(),
    /** Runs whose stop was requested. */
    cancelled: new Set<number>(),
    /** Ids of runs whose leader the driver killed. */
    killed: new Set<string>(),
    keepersKilled: 0,
    tasksAsked: 0,
    tasksTold: [] as number[],
    /** Events in the order in which the follower received them. */
    events: [] as EventView[],
  };
}

/** Returns the run numbers that clients were told for their keys, in the form the invariants need. */
export function toldOf({ submitted }: RoundRecord): Map<string, number> {
  return new Map(
    [...submitted].flatMap(([name, { keyed, number }]) => (keyed && number !== null ? [[name, number] as const] : [])),
  );
}
