/** The keepers of this home: found, started, drained when they are of another version; what they say becomes facts. */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { launchKeeper } from '../launch/launch.ts';
import { connectKeeper, type KeeperConnection, type KeeperNotice } from '../process/keeper-client.ts';
import type { LaunchRecord } from '../process/run-folder.ts';
import { ClipError } from '../run/errors.ts';
import type { Leader } from '../run/run.ts';
import { describe, type Log } from './log.ts';

type Held = { readonly leader: Leader; readonly at: number };
export type Keepers = Awaited<ReturnType<typeof createKeepers>>;
export type KeeperNews = {
  readonly onNotices: (notices: readonly KeeperNotice[]) => void;
  /** A keeper has gone; these runs were its. */
  readonly onLost: () => void;
  /** A new keeper takes runs: whoever was queued while none was there may start. */
  readonly onReady: () => void;
};

const protocol = 1;
const pollMs = 10;
const startMs = 30_000;
const againMs = 1_000;
/** A stop waits so long for a keeper that is on its way. */
const settleMs = 5_000;

type Keeper = { readonly path: string; readonly connection: KeeperConnection; readonly ours: boolean; readonly runs: Map<string, Held> };

/** Greets every keeper that is there. What they hold is known when this returns. */
export async function createKeepers(world: { home: string; generation: number; version: string; managed: boolean; umask: number; log: Log }) {
  const { home, log } = world;
  const keepers = new Set<Keeper>();
  let news: KeeperNews = { onNotices: () => {}, onLost: () => {}, onReady: () => {} };
  let starting: Promise<void> | null = null;
  let leaving = false;

  for (const name of socketNames(home)) {
    await greet(join(home, name)).catch((error) => {
      const code = (error as NodeJS.ErrnoException).code;
      // Refused by the kernel: its keeper is dead. Anything else may be a living keeper in trouble, so it stays.
      if (code === 'ECONNREFUSED' || code === 'ENOENT') rmSync(join(home, name), { force: true });
      else log('warn', 'a keeper does not answer', { socket: name, error: describe(error) });
    });
  }

  async function greet(path: string): Promise<void> {
    let keeper: Keeper | null = null;
    const early: KeeperNotice[][] = [];
    const connection = await connectKeeper(
      path,
      { type: 'hello', protocol, generation: world.generation, version: world.version, managed: world.managed },
      {
        onNotices: (notices) => (keeper ? hear(keeper, notices) : early.push([...notices])),
        onClose: () => keeper && lose(keeper),
      },
    );
    const { hello } = connection;
    const ours = hello.version === world.version;
    keeper = { path, connection, ours, runs: new Map(hello.runs.map(({ id, leader, at }) => [id, { leader, at }])) };
    keepers.add(keeper);
    log('info', 'a keeper is here', { keeper: hello.pid, version: hello.version, runs: hello.runs.length });
    // Another version keeps what it has and takes no more, so that nobody's process changes its parent.
    if (!ours) connection.send({ type: 'drain' });
    for (const notices of early) hear(keeper, notices);
  }

  function hear(keeper: Keeper, notices: readonly KeeperNotice[]): void {
    for (const notice of notices) {
      if (notice.type === 'started') keeper.runs.set(notice.id, { leader: notice.leader, at: notice.at });
      if (notice.type === 'exited' || notice.type === 'failed') keeper.runs.delete(notice.id);
    }
    news.onNotices(notices);
  }

  function lose(keeper: Keeper): void {
    keepers.delete(keeper);
    if (leaving) return;
    log(keeper.ours ? 'warn' : 'info', 'a keeper has gone', { keeper: keeper.connection.hello.pid, runs: keeper.runs.size });
    news.onLost();
    if (active() === null) void ensure();
  }

  function active(): Keeper | null {
    for (const keeper of keepers) if (keeper.ours) return keeper;
    return null;
  }

  /** Starts a keeper of our own version unless there is one. */
  function ensure(): Promise<void> {
    if (active() !== null || leaving) return Promise.resolve();
    starting ??= start()
      .catch((error) => {
        log('error', 'no keeper could be started', { error: describe(error) });
        setTimeout(() => void ensure(), againMs).unref();
      })
      .finally(() => {
        starting = null;
      });
    return starting;
  }

  async function start(): Promise<void> {
    const socketName = `keeper-${randomBytes(4).toString('hex')}.sock`;
    launchKeeper(home, socketName, world.umask);
    for (const until = Date.now() + startMs; ; ) {
      try {
        await greet(join(home, socketName));
        return news.onReady();
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if ((code !== 'ENOENT' && code !== 'ECONNREFUSED') || Date.now() > until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  return {
    ensure,
    listen: (to: KeeperNews) => {
      news = to;
    },
    /** Asks for a process; the answer comes as a notice. Throws when no keeper is there. */
    spawn(id: string, launch: LaunchRecord): void {
      const keeper = active();
      if (!keeper) throw new ClipError('failed', 'No keeper is there yet.');
      keeper.connection.send({ type: 'spawn', id, launch });
    },
    ready: (): boolean => active() !== null,
    held(id: string): Held | null {
      for (const { runs } of keepers) {
        const held = runs.get(id);
        if (held) return held;
      }
      return null;
    },
    list: () => [...keepers].map(({ connection, runs }) => ({ pid: connection.hello.pid, version: connection.hello.version, runs: runs.size })),
    /** A keeper that is on its way is waited for, though not for ever: nobody else would greet it, and it would stay for a while for nothing. */
    async settled(): Promise<void> {
      leaving = true;
      if (starting === null) return;
      const patience = new Promise<void>((resolve) => setTimeout(resolve, settleMs).unref());
      await Promise.race([starting, patience]);
    },
    goodbye(): void {
      leaving = true;
      for (const { connection } of keepers) connection.send({ type: 'bye' });
      for (const { connection } of keepers) connection.end();
    },
  };
}

function socketNames(home: string): string[] {
  return readdirSync(home).filter((name) => /^keeper-[0-9a-f]+\.sock$/.test(name));
}
