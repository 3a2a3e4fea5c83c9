/**
 * Hooks and notifications: programs of the user that run when something happens.
 *
 * Each hook reads the history at its own pace. Events that arrive while its program runs are read when the program
 * has ended. The position is stored before the program starts, so no event is delivered twice, not even by the next
 * daemon, which resumes at that position. An event that is about to be delivered when the daemon dies may be lost.
 * Events that occur while no daemon runs are delivered by the next one.
 */
import type { Config } from '#config/settings.ts';
import { notifyCommand } from '#process/desktop-notification.ts';
import { runProgram } from '#process/run-hook.ts';
import type { NeedView } from '#protocol/needs.ts';
import { unseen } from '#run/control-chars.ts';
import { cutText, jsonText } from '#run/cut-text.ts';
import { isoTime } from '#run/iso-time.ts';
import { limits } from '#run/limits.ts';
import type { StoredEvent } from '#store/events.ts';
import type { Core } from '../core/core.ts';
import { describe } from '../core/log.ts';
import { createHookEvents, type HookEvent, hookNames } from './hook-events.ts';

type Reader = {
  readonly name: string;
  readonly occasions: (page: readonly StoredEvent[]) => readonly HookEvent[];
  /** Returns the program and its input. */
  readonly call: (occasion: HookEvent) => { readonly argv: readonly string[]; readonly input: string } | null;
};

export function createHooks(
  core: Core,
  deps: {
    readonly needs: () => NeedView[];
    readonly redacted: (text: string, agentId: string | null) => string;
    /** The environment of the programs. */
    readonly environment: Readonly<Record<string, string>>;
  },
) {
  const { store, supervisor, changeFeed, now } = core;
  const log = core.logOf('hooks');
  const home = core.home.folder;
  const redacted = (text: string) => deps.redacted(text, null);
  let closed = false;
  const ending = new AbortController();
  const occasions = createHookEvents({ store, supervisor, needs: deps.needs, redacted });
  const readers = listReaders(core.config, occasions);
  const wakers = readers.map(startReader);
  for (const name of [...hookNames, 'notifications']) if (!readers.some((reader) => reader.name === name)) forget(name);
  const unwatch =
    wakers.length === 0
      ? () => {}
      : changeFeed.watch(() => {
          for (const wake of wakers) wake();
        });

  /** Starts a reader. Returns the function that wakes it. */
  function startReader(reader: Reader): () => void {
    let cursor = Number(store.readMeta(cursorKey(reader.name)) || 0);
    // A new hook starts at the end of the history.
    if (cursor === 0) keep(store.events.lastSeq());
    let timer: NodeJS.Timeout | null = null;
    let busy = false;

    function keep(seq: number): void {
      store.transaction((tx) => store.writeMeta(tx, cursorKey(reader.name), String(seq)));
      cursor = seq;
    }

    async function read(): Promise<void> {
      for (
        let page = store.events.since(cursor, limits.hookPageEvents);
        page.length > 0 && !closed;
        page = store.events.since(cursor, limits.hookPageEvents)
      ) {
        const told = reader.occasions(page);
        const fresh = told.filter(({ at }) => at > now() - limits.hookAgeMsMax);
        if (fresh.length < told.length)
          log('warn', 'old events not delivered', { hook: reader.name, left: told.length - fresh.length });
        for (const occasion of fresh) {
          if (closed) return;
          keep(occasion.seq);
          await tell(reader, occasion);
        }
        const last = page.at(-1)?.seq ?? cursor;
        // One disk flush per page, unless the page had nothing to deliver.
        if (told.length > 0 || page.length === limits.hookPageEvents) keep(last);
        else cursor = last;
      }
    }

    function wake(): void {
      if (closed || busy || timer !== null) return;
      // Events of one burst are delivered together.
      timer = setTimeout(() => {
        timer = null;
        busy = true;
        const before = store.events.lastSeq();
        read()
          .catch((error) =>
            log('error', 'hook events could not be processed', { hook: reader.name, error: describe(error) }),
          )
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

  async function tell({ name, call }: Reader, occasion: HookEvent): Promise<void> {
    const command = call(occasion);
    if (command === null) return;
    const env = { ...deps.environment, CLIP_HOME: home };
    const why = await runProgram(command.argv, {
      input: command.input,
      env,
      cwd: home,
      timeoutMs: limits.hookMs,
      signal: ending.signal,
    });
    // The daemon is shutting down, and its database is closed.
    if (closed) return;
    // A machine without a desktop is normal, so failed notifications are not logged.
    if (why !== null && name !== 'notifications')
      log('warn', 'hook failed', { hook: name, program: command.argv[0], why: redacted(why) });
    const failure = why === null ? '' : JSON.stringify({ at: isoTime(now()), why: redacted(why).replace(unseen, ' ') });
    if ((store.readMeta(failedKey(name)) ?? '') !== failure)
      store.transaction((tx) => store.writeMeta(tx, failedKey(name), failure));
  }

  /** Forgets the position of a removed hook. If it is added again later, it starts with new events. */
  function forget(name: string): void {
    for (const key of [cursorKey(name), failedKey(name)])
      if (store.readMeta(key)) store.transaction((tx) => store.writeMeta(tx, key, ''));
  }

  return {
    close(): void {
      closed = true;
      // Ends running programs, because no time limit applies without the daemon.
      ending.abort();
      unwatch();
    },
  };
}

const cursorKey = (name: string) => `hook:${name}:seq`;
const failedKey = (name: string) => `hook:${name}:failed`;

function listReaders(
  { hooks, notifications }: Pick<Config, 'hooks' | 'notifications'>,
  { ofHook, forDesktop }: ReturnType<typeof createHookEvents>,
): Reader[] {
  const readers = hookNames.flatMap((name): Reader[] => {
    const argv = hooks[name];
    if (argv === null) return [];
    const input = ({ at, about }: HookEvent) => `${jsonText({ schema: 1, event: name, at: isoTime(at), ...about })}\n`;
    return [{ name, occasions: ofHook[name], call: (occasion) => ({ argv, input: input(occasion) }) }];
  });
  if (notifications) readers.push({ name: 'notifications', occasions: forDesktop, call: ({ about }) => shown(about) });
  return readers;
}

function shown(about: HookEvent['about']): { argv: readonly string[]; input: string } | null {
  const text = (key: string, charsMax: number) => cutText(String(about[key]).replace(unseen, ' '), charsMax);
  const argv = notifyCommand(process.platform, { title: text('title', 100), body: text('body', 300) });
  return argv === null ? null : { argv, input: '' };
}
