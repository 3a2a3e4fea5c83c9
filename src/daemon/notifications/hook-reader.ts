/** Reads the history for one hook, at the hook's own pace, and stores how far it has read. */
import { limits } from '#run/limits.ts';
import type { StoredEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { HookEvent } from './hook-events.ts';

/** A hook of the configuration, or the notifications of the desktop. */
export type Hook = {
  readonly name: string;
  readonly occasions: (page: readonly StoredEvent[]) => readonly HookEvent[];
  /** Returns the program and its input. */
  readonly call: (occasion: HookEvent) => { readonly argv: readonly string[]; readonly input: string } | null;
};

type Deps = {
  readonly store: Pick<Store, 'readMeta' | 'writeMeta' | 'transaction' | 'events'>;
  readonly now: () => number;
  readonly log: LogFunction;
  readonly isClosed: () => boolean;
  /** Runs the program of the hook. Resolves when it has ended. */
  readonly tell: (hook: Hook, occasion: HookEvent) => Promise<void>;
};

export class HookReader {
  readonly #hook: Hook;
  readonly #deps: Deps;
  #cursor: number;
  #timer: NodeJS.Timeout | null = null;
  #busy = false;

  constructor(hook: Hook, deps: Deps) {
    this.#hook = hook;
    this.#deps = deps;
    const known = deps.store.readMeta(cursorKey(hook.name)) || null;
    this.#cursor = Number(known ?? 0);
    // A new hook starts at the end of the history, which may be empty. A position of 0 is a known one.
    if (known === null) this.#keep(deps.store.events.lastSeq());
  }

  /** Reads the new events soon. */
  wake(): void {
    const { store, log, isClosed } = this.#deps;
    if (isClosed() || this.#busy || this.#timer !== null) return;
    // Events of one burst are delivered together.
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#busy = true;
      const before = store.events.lastSeq();
      this.#read()
        .catch((error) =>
          log('error', 'hook events could not be processed', { hook: this.#hook.name, error: describe(error) }),
        )
        .finally(() => {
          this.#busy = false;
          if (!isClosed() && store.events.lastSeq() > before) this.wake();
        });
    }, limits.hookBurstMs);
    this.#timer.unref();
  }

  async #read(): Promise<void> {
    const { store, now, log, isClosed, tell } = this.#deps;
    for (
      let page = store.events.since(this.#cursor, limits.hookPageEvents);
      page.length > 0 && !isClosed();
      page = store.events.since(this.#cursor, limits.hookPageEvents)
    ) {
      const told = this.#hook.occasions(page);
      const fresh = told.filter(({ at }) => at > now() - limits.hookAgeMsMax);
      if (fresh.length < told.length)
        log('warn', 'old events not delivered', { hook: this.#hook.name, left: told.length - fresh.length });
      for (const occasion of fresh) {
        if (isClosed()) return;
        this.#keep(occasion.seq);
        await tell(this.#hook, occasion);
      }
      const last = page.at(-1)?.seq ?? this.#cursor;
      // One disk flush per page, unless the page had nothing to deliver.
      if (told.length > 0 || page.length === limits.hookPageEvents) this.#keep(last);
      else this.#cursor = last;
    }
  }

  #keep(seq: number): void {
    const { store } = this.#deps;
    store.transaction((tx) => store.writeMeta(tx, cursorKey(this.#hook.name), String(seq)));
    this.#cursor = seq;
  }
}

/** Returns the key under which the position of a hook is stored. */
export function cursorKey(name: string): string {
  return `hook:${name}:seq`;
}
