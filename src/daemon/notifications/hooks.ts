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
import type { Core } from '../core/core.ts';
import type { LogFunction } from '../core/log.ts';
import { type HookEvent, HookEvents, hookNames } from './hook-events.ts';
import { cursorKey, type Hook, HookReader } from './hook-reader.ts';

type Deps = {
  readonly needs: () => NeedView[];
  readonly redacted: (text: string, agentId: string | null) => string;
  /** The environment of the programs. */
  readonly environment: Readonly<Record<string, string>>;
};

export class Hooks {
  readonly #core: Core;
  readonly #deps: Deps;
  readonly #log: LogFunction;
  readonly #ending = new AbortController();
  readonly #unwatch: () => void;
  #closed = false;

  constructor(core: Core, deps: Deps) {
    this.#core = core;
    this.#deps = deps;
    this.#log = core.logOf('hooks');
    const { store, supervisor, changeFeed } = core;
    const redacted = (text: string) => this.#redacted(text);
    const hooks = listHooks(core.config, new HookEvents({ store, supervisor, needs: deps.needs, redacted }));
    const readers = hooks.map((hook) => this.#startReader(hook));
    for (const name of [...hookNames, 'notifications'])
      if (!hooks.some((hook) => hook.name === name)) this.#forget(name);
    this.#unwatch =
      readers.length === 0
        ? () => {}
        : changeFeed.watch(() => {
            for (const reader of readers) reader.wake();
          });
  }

  /** Ends the running programs. No hook is told anything from then on. */
  close(): void {
    this.#closed = true;
    // Ends running programs, because no time limit applies without the daemon.
    this.#ending.abort();
    this.#unwatch();
  }

  #startReader(hook: Hook): HookReader {
    const { store, now } = this.#core;
    const reader = new HookReader(hook, {
      store,
      now,
      log: this.#log,
      isClosed: () => this.#closed,
      tell: (told, occasion) => this.#tell(told, occasion),
    });
    reader.wake();
    return reader;
  }

  async #tell({ name, call }: Hook, occasion: HookEvent): Promise<void> {
    const { store, now, home } = this.#core;
    const command = call(occasion);
    if (command === null) return;
    const env = { ...this.#deps.environment, CLIP_HOME: home.folder };
    const why = await runProgram(command.argv, {
      input: command.input,
      env,
      cwd: home.folder,
      timeoutMs: limits.hookMs,
      signal: this.#ending.signal,
    });
    // The daemon is shutting down, and its database is closed.
    if (this.#closed) return;
    // A machine without a desktop is normal, so failed notifications are not logged.
    if (why !== null && name !== 'notifications')
      this.#log('warn', 'hook failed', { hook: name, program: command.argv[0], why: this.#redacted(why) });
    const failure =
      why === null ? '' : JSON.stringify({ at: isoTime(now()), why: this.#redacted(why).replace(unseen, ' ') });
    if ((store.readMeta(failedKey(name)) ?? '') !== failure)
      store.transaction((tx) => store.writeMeta(tx, failedKey(name), failure));
  }

  /** Forgets the position of a removed hook. If it is added again later, it starts with new events. */
  #forget(name: string): void {
    const { store } = this.#core;
    for (const key of [cursorKey(name), failedKey(name)])
      if (store.readMeta(key)) store.transaction((tx) => store.writeMeta(tx, key, ''));
  }

  #redacted(text: string): string {
    return this.#deps.redacted(text, null);
  }
}

const failedKey = (name: string) => `hook:${name}:failed`;

function listHooks({ hooks, notifications }: Pick<Config, 'hooks' | 'notifications'>, events: HookEvents): Hook[] {
  const all = hookNames.flatMap((name): Hook[] => {
    const argv = hooks[name];
    if (argv === null) return [];
    const input = ({ at, about }: HookEvent) => `${jsonText({ schema: 1, event: name, at: isoTime(at), ...about })}\n`;
    return [{ name, occasions: events.ofHook[name], call: (occasion) => ({ argv, input: input(occasion) }) }];
  });
  if (notifications)
    all.push({
      name: 'notifications',
      occasions: (page) => events.forDesktop(page),
      call: ({ about }) => shown(about),
    });
  return all;
}

function shown(about: HookEvent['about']): { argv: readonly string[]; input: string } | null {
  const text = (key: string, charsMax: number) => cutText(String(about[key]).replace(unseen, ' '), charsMax);
  const argv = notifyCommand(process.platform, { title: text('title', 100), body: text('body', 300) });
  return argv === null ? null : { argv, input: '' };
}
