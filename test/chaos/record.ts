/** The driver's own record of a round: what it asked for, what it was told, what it broke. The checks hold the home against it. */
import type { EventView, RunView } from '#protocol/answers.ts';

/** An order as it was submitted: the same arguments each time. */
export type Submitted = {
  readonly args: readonly string[];
  readonly keyed: boolean;
  readonly after: number | null;
  tries: number;
  number: number | null;
};
/** What a client that followed a log had been given when it ended; `whole`: it ended by itself, saying that this is all. */
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
    /** What is wrong, as far as the driver has seen it itself. */
    wrong,
    /** How often each action, fault and outcome has come by. */
    counts,
    count: (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1),
    /** By the name of the order. */
    submitted: new Map<string, Submitted>(),
    /** Numbers of runs that `clip retry` has answered with, and how often it was asked for each run. */
    retried: { answered: new Map<number, number>(), asked: new Map<number, number>() },
    /** Ends that clients were told. */
    ends: [] as RunView[],
    /** What `clip wait` ended with. */
    waits: [] as { readonly numbers: readonly number[]; readonly code: number }[],
    heard: [] as Heard[],
    /** Runs that were asked to be removed: the events that they had, and whether it was said that they are gone. */
    removed: new Map<number, { readonly seqs: readonly number[]; gone: boolean }>(),
    /** Runs that were asked to stop. */
    cancelled: new Set<number>(),
    /** Ids of runs of which the driver killed the leader. */
    killed: new Set<string>(),
    keepersKilled: 0,
    tasksAsked: 0,
    tasksTold: [] as number[],
    /** What the one that follows the events was given, in its order. */
    events: [] as EventView[],
  };
}

/** What keyed orders were told, as the invariants want it. */
export function toldOf({ submitted }: RoundRecord): Map<string, number> {
  return new Map(
    [...submitted].flatMap(([name, { keyed, number }]) => (keyed && number !== null ? [[name, number] as const] : [])),
  );
}
