/**
 * A clock that the test moves. It replaces the timers, `Date` and `performance.now` of this process. Sockets, files and
 * child processes stay real: the clock stands still while they are busy.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  Date: globalThis.Date,
  performanceNow: performance.now.bind(performance),
};
const sleeping = createRequire(import.meta.url)('node:timers/promises') as { setTimeout: unknown };
const realSleep = sleeping.setTimeout;

/** Noon of a day in the past. A file that is written now is then never older than the clock of the test says. */
export const clockStart = new real.Date(2025, 5, 2, 12).getTime();
/** Where `performance.now` goes on with the next clock: it never goes back within a process. */
let monotonicBase = performance.now();
/** The clock moves on after this many turns of the event loop in a row in which nothing happened. */
const quietTurns = 4;
/** After this many turns, what is busy is given time. */
const busyTurns = 20;
/** A long time passes in strides, so that not every tick of hours costs turns of the event loop. */
const strides = 1_000;
const strideMsMax = 1_000;
/** The longest real time for which files and child processes hold the clock. */
const busyMsMax = 5_000;

type Entry = {
  at: number;
  readonly order: number;
  readonly everyMs: number | null;
  /** Whether it belongs to the daemon, and not to a program beside it. */
  readonly ofDaemon: boolean;
  readonly call: () => void;
};

/** Behaves as a Timeout of Node. */
class ManualTimeout {
  readonly #clock: ManualClock;
  readonly #ms: number;
  readonly id: number;

  constructor(clock: ManualClock, id: number, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
    this.id = id;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return false;
  }

  refresh(): this {
    this.#clock.postpone(this.id, this.#ms);
    return this;
  }

  close(): this {
    this.#clock.cancel(this);
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  [Symbol.dispose](): void {
    this.#clock.cancel(this);
  }
}

export class ManualClock {
  readonly #timers = new Map<number, Entry>();
  #lastId = 0;
  /** Time since the start of the clock. It never jumps. */
  #elapsed = 0;
  /** What the clock of the wall is ahead of that. */
  #offset = 0;

  /** Returns the time of the wall, in milliseconds since the epoch. */
  readonly now = (): number => clockStart + this.#elapsed + this.#offset;

  /** Replaces timers and clocks of this process. Returns what puts the real ones back. */
  install(): () => void {
    const now = this.now;
    const set =
      (repeats: boolean) =>
      (call: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
        this.#add(() => call(...args), Math.max(1, Math.trunc(Number(ms)) || 1), { repeats, ofDaemon: true });
    const clear = (timer: unknown) =>
      timer instanceof ManualTimeout ? this.cancel(timer) : real.clearTimeout(timer as NodeJS.Timeout);
    class ManualDate extends real.Date {
      constructor(...args: unknown[]) {
        if (args.length === 0) super(now());
        else super(...(args as [number]));
      }
      static override now(): number {
        return now();
      }
    }
    Object.assign(globalThis, { setTimeout: set(false), setInterval: set(true), Date: ManualDate });
    Object.assign(globalThis, { clearTimeout: clear, clearInterval: clear });
    const base = monotonicBase;
    performance.now = () => base + this.#elapsed;
    replaceSleep((ms?: number, value?: unknown) => new Promise((resolve) => set(false)(() => resolve(value), ms)));
    return () => {
      const { performanceNow, ...globals } = real;
      Object.assign(globalThis, globals);
      performance.now = performanceNow;
      monotonicBase = base + this.#elapsed;
      replaceSleep(realSleep);
      this.clear();
    };
  }

  /** Moves the clock forward and fires what becomes due, each timer at its own time. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    const strideMs = Math.min(strideMsMax, ms / strides);
    while (this.#elapsed < end) {
      await this.settle();
      const strideEnd = Math.min(end, Math.max(this.#next(), this.#elapsed + strideMs));
      while (this.#next() <= strideEnd) this.#fireAt(this.#next());
      this.#elapsed = strideEnd;
    }
    await this.settle();
  }

  /** Moves the clock to its next timer, at most by `msMax`. */
  step(msMax: number): void {
    this.#fireAt(Math.min(this.#next(), this.#elapsed + msMax));
  }

  /** Sets the clock of the wall forward or back, as a person or a sleeping machine does. No timer fires. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  /** Resolves after this time. The end of the daemon does not change that. */
  after(ms: number): Promise<void> {
    return new Promise((resolve) => this.#add(resolve, ms, { repeats: false, ofDaemon: false }));
  }

  /** Forgets the timers of the daemon, as the end of its process does. */
  clear(): void {
    for (const [id, { ofDaemon }] of this.#timers) if (ofDaemon) this.#timers.delete(id);
  }

  /** Waits until nothing happens any more in this process without the clock. */
  async settle(): Promise<void> {
    const { nodeTiming } = performance;
    const end = real.Date.now() + busyMsMax;
    for (let quiet = 0, busy = 0; quiet < quietTurns; ) {
      const before = nodeTiming.uvMetricsInfo.events;
      const isBusy = process.getActiveResourcesInfo().some((name) => /^(FSReq|ProcessWrap)/.test(name));
      busy = isBusy ? busy + 1 : 0;
      // A file is read within some turns. A child process takes longer, and must get the processor.
      if (busy > busyTurns) await new Promise((resolve) => real.setTimeout(resolve, 1));
      else await new Promise((resolve) => setImmediate(resolve));
      const isQuiet = (!isBusy || real.Date.now() > end) && nodeTiming.uvMetricsInfo.events === before;
      quiet = isQuiet ? quiet + 1 : 0;
    }
  }

  postpone(id: number, ms: number): void {
    const entry = this.#timers.get(id);
    if (entry !== undefined) entry.at = this.#elapsed + ms;
  }

  cancel(timer: ManualTimeout): void {
    this.#timers.delete(timer.id);
  }

  #add(call: () => void, ms: number, kind: { repeats: boolean; ofDaemon: boolean }): ManualTimeout {
    this.#lastId += 1;
    const id = this.#lastId;
    const everyMs = kind.repeats ? ms : null;
    this.#timers.set(id, { at: this.#elapsed + ms, order: id, everyMs, ofDaemon: kind.ofDaemon, call });
    return new ManualTimeout(this, id, ms);
  }

  /** Returns when the next timer is due. */
  #next(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#timers.values()) if (at < next) next = at;
    return next;
  }

  #fireAt(at: number): void {
    this.#elapsed = Math.max(this.#elapsed, at);
    const due = [...this.#timers].filter(([, entry]) => entry.at <= at).sort(([, a], [, b]) => a.order - b.order);
    for (const [id, entry] of due) {
      // A timer that fired before may have cancelled this one.
      if (this.#timers.get(id) !== entry) continue;
      if (entry.everyMs === null) this.#timers.delete(id);
      else entry.at += entry.everyMs;
      entry.call();
    }
  }
}

function replaceSleep(sleep: unknown): void {
  sleeping.setTimeout = sleep;
  syncBuiltinESMExports();
}
