/**
 * Hooks and notifications: programs of the user that are run when something happens.
 *
 * What happened is read from the history, each reader at its own pace: what comes while its program runs is there
 * when that has ended. How far a reader has come is stored before the program is started: nothing is told twice,
 * also not by the next daemon, which goes on where this one was. What a daemon was about to tell in the moment of
 * its death may be lost; what happened while none was there is told by the next.
 */
import type { Config } from '../config/settings.ts';
import { notifyCommand } from '../process/desktop.ts';
import { runProgram } from '../process/program.ts';
import type { NeedView } from '../protocol/needs.ts';
import { limits } from '../run/limits.ts';
import { isoTime } from '../run/time.ts';
import { unseen } from '../run/unseen.ts';
import type { StoredEvent } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import { describe, type Log } from './log.ts';
import { createOccasions, hookNames, type Occasion } from './occasions.ts';
import type { Supervisor } from './supervisor.ts';
import type { Watchers } from './watchers.ts';

type Reader = {
  readonly name: string;
  readonly occasions: (page: readonly StoredEvent[]) => readonly Occasion[];
  /** The program, and what it reads. */
  readonly call: (occasion: Occasion) => { readonly argv: readonly string[]; readonly input: string } | null;
};

export function createHooks(world: {
  store: Store;
  supervisor: Supervisor;
  watchers: Watchers;
  needs: () => NeedView[];
  redacted: (text: string) => string;
  config: Pick<Config, 'hooks' | 'notifications'>;
  environment: Readonly<Record<string, string>>;
  home: string;
  now: () => number;
  log: Log;
}) {
  const { store, watchers, log, now } = world;
  let closed = false;
  const occasions = createOccasions(world);
  const readers = readersOf(world.config, occasions);
  const wakers = readers.map(startReader);
  for (const name of [...hookNames, 'notifications']) if (!readers.some((reader) => reader.name === name)) forget(name);
  const unwatch =
    wakers.length === 0
      ? () => {}
      : watchers.watch(() => {
          for (const wake of wakers) wake();
        });

  /** Returns what wakes it. */
  function startReader(reader: Reader): () => void {
    let cursor = Number(store.readMeta(cursorKey(reader.name)) || 0);
    // A hook that is new tells nothing of what was before it.
    if (cursor === 0) keep(store.events.lastSeq());
    let timer: NodeJS.Timeout | null = null;
    let busy = false;

    function keep(seq: number): void {
      store.writeMeta(cursorKey(reader.name), String(seq));
      cursor = seq;
    }

    async function read(): Promise<void> {
      for (let page = store.events.since(cursor, limits.hookPageEvents); page.length > 0 && !closed; page = store.events.since(cursor, limits.hookPageEvents)) {
        const told = reader.occasions(page);
        const fresh = told.filter(({ at }) => at > now() - limits.hookAgeMsMax);
        if (fresh.length < told.length) log('warn', 'what happened long ago is not told', { hook: reader.name, left: told.length - fresh.length });
        for (const occasion of fresh) {
          if (closed) return;
          keep(occasion.seq);
          await tell(reader, occasion);
        }
        const last = page.at(-1)?.seq ?? cursor;
        // One flush of the disk for each page, unless there was nothing in it.
        if (told.length > 0 || page.length === limits.hookPageEvents) keep(last);
        else cursor = last;
      }
    }

    function wake(): void {
      if (closed || busy || timer !== null) return;
      // What comes in one burst is told together.
      timer = setTimeout(() => {
        timer = null;
        busy = true;
        const before = store.events.lastSeq();
        read()
          .catch((error) => log('error', 'a hook could not be looked after', { hook: reader.name, error: describe(error) }))
          .finally(() => {
            busy = false;
            if (!closed && store.events.lastSeq() > before) wake();
          });
      }, limits.hookBurstMs);
      timer.unref();
    }

    wake();
    return wake;
  }

  async function tell({ name, call }: Reader, occasion: Occasion): Promise<void> {
    const command = call(occasion);
    if (command === null) return;
    const env = { ...world.environment, CLIP_HOME: world.home };
    const why = await runProgram(command.argv, { input: command.input, env, cwd: world.home, timeoutMs: limits.hookMs });
    // Nobody has promised that there is a desktop.
    if (why !== null && name !== 'notifications') log('warn', 'a hook failed', { hook: name, program: command.argv[0], why: world.redacted(why) });
    const failure = why === null ? '' : JSON.stringify({ at: isoTime(now()), why: world.redacted(why).replace(unseen, ' ') });
    if ((store.readMeta(failedKey(name)) ?? '') !== failure) store.writeMeta(failedKey(name), failure);
  }

  /** Whoever takes a hook out and puts it back later is told of what happens from then on. */
  function forget(name: string): void {
    for (const key of [cursorKey(name), failedKey(name)]) if (store.readMeta(key)) store.writeMeta(key, '');
  }

  return {
    close(): void {
      closed = true;
      unwatch();
    },
  };
}

const cursorKey = (name: string) => `hook:${name}:seq`;
const failedKey = (name: string) => `hook:${name}:failed`;

function readersOf({ hooks, notifications }: Pick<Config, 'hooks' | 'notifications'>, { ofHook, forDesktop }: ReturnType<typeof createOccasions>): Reader[] {
  const readers = hookNames.flatMap((name): Reader[] => {
    const argv = hooks[name];
    if (argv === null) return [];
    const input = ({ at, about }: Occasion) => `${JSON.stringify({ schema: 1, event: name, at: isoTime(at), ...about })}\n`;
    return [{ name, occasions: ofHook[name], call: (occasion) => ({ argv, input: input(occasion) }) }];
  });
  if (notifications) readers.push({ name: 'notifications', occasions: forDesktop, call: ({ about }) => shown(about) });
  return readers;
}

function shown(about: Occasion['about']): { argv: readonly string[]; input: string } | null {
  const text = (key: string, charsMax: number) => String(about[key]).replace(unseen, ' ').slice(0, charsMax);
  const argv = notifyCommand(process.platform, { title: text('title', 100), body: text('body', 300) });
  return argv === null ? null : { argv, input: '' };
}
