/** The faults of a round. They affect only processes of this home, by their ids. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf } from '../support/home.ts';
import type { Disk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';
import { pickBy } from './chance.ts';
import type { Clients, OpenHome } from './clients.ts';
import type { Fault } from './plan.ts';
import type { RoundRecord } from './record.ts';

type Deps = {
  readonly home: OpenHome;
  readonly disk: Disk | null;
  readonly clients: Clients;
  readonly record: RoundRecord;
};
type Handlers = {
  readonly [K in Fault['do']]: (fault: Extract<Fault, { do: K }>) => string | null | Promise<string | null>;
};

export function createFaults({ home, disk, clients, record }: Deps) {
  /** Temporary faults: the function that ends each fault, and its timer. */
  const temporary = new Map<() => void, NodeJS.Timeout>();

  /** Schedules the end of a fault: after this time, or when the round is over. */
  function endAfter(ms: number, endFault: () => void): void {
    const once = () => {
      clearTimeout(temporary.get(once));
      if (temporary.delete(once)) endFault();
    };
    temporary.set(once, setTimeout(once, ms));
  }

  function signal(pid: number, name: NodeJS.Signals): void {
    try {
      process.kill(pid, name);
    } catch {
      // The process has ended in the meantime.
    }
  }

  function killRole(role: 'daemon' | 'keeper', pick: number): number | null {
    const pid = pickBy(home.pidsOf(role), pick);
    if (pid === null) return null;
    if (role === 'keeper') record.keepersKilled += 1;
    signal(pid, 'SIGKILL');
    return pid;
  }

  function pause(pid: number | null, ms: number): string | null {
    if (pid === null) return null;
    signal(pid, 'SIGSTOP');
    endAfter(ms, () => signal(pid, 'SIGCONT'));
    return `${pid} for ${ms} ms`;
  }

  /** Returns the living leaders, as their keepers have recorded them. */
  function leaders(): { id: string; pid: number }[] {
    const runs = join(home.folder, 'runs');
    if (!existsSync(runs)) return [];
    const alive = new Map(processesOf(home.folder).map(({ pid, environment }) => [pid, environment]));
    return readdirSync(runs).flatMap((id) => {
      try {
        const { pid } = JSON.parse(readFileSync(join(runs, id, 'started.json'), 'utf8')) as { pid: number };
        return alive.get(pid)?.split('\0').includes(`CLIP_RUN_ID=${id}`) ? [{ id, pid }] : [];
      } catch {
        return [];
      }
    });
  }

  /** Returns all other processes of runs. */
  function members(): { id: string; pid: number }[] {
    const leading = new Set(leaders().map(({ pid }) => pid));
    return processesOf(home.folder).flatMap(({ pid, environment }) => {
      const id = /(?:^|\0)CLIP_RUN_ID=([a-z0-9]+)/.exec(environment)?.[1];
      return id === undefined || environment.includes('CLIP_ROLE=') || leading.has(pid) ? [] : [{ id, pid }];
    });
  }

  function killOf(processes: { id: string; pid: number }[], pick: number): string | null {
    const chosen = pickBy(processes, pick);
    if (chosen === null) return null;
    record.killed.add(chosen.id);
    signal(chosen.pid, 'SIGKILL');
    return `${chosen.pid} of ${chosen.id}`;
  }

  const formatPid = (pid: number | null) => (pid === null ? null : String(pid));
  const handlers: Handlers = {
    'kill-daemon': ({ pick }) => formatPid(killRole('daemon', pick)),
    'kill-keeper': ({ pick }) => formatPid(killRole('keeper', pick)),
    'kill-both': ({ pick }) => {
      const killed = (pick < 0.5 ? (['daemon', 'keeper'] as const) : (['keeper', 'daemon'] as const)).map((role) =>
        killRole(role, pick),
      );
      return killed.every((pid) => pid === null) ? null : killed.join(' and ');
    },
    'kill-client': ({ pick }) => clients.killOne(pick)?.join(' ') ?? null,
    'kill-leader': ({ pick }) => killOf(leaders(), pick),
    'kill-member': ({ pick }) => killOf(members(), pick),
    'pause-daemon': ({ pick, forMs }) => pause(pickBy(home.pidsOf('daemon'), pick), forMs),
    'pause-keeper': ({ pick, forMs }) => pause(pickBy(home.pidsOf('keeper'), pick), forMs),
    'pause-leader': ({ pick, forMs }) => pause(pickBy(leaders(), pick)?.pid ?? null, forMs),
    'pause-client': ({ pick, forMs }) => pause(clients.pidOfOne(pick), forMs),
    'strand-keeper': ({ pick, forMs }) => {
      const stranded = pause(pickBy(home.pidsOf('keeper'), pick), forMs);
      return stranded === null ? null : `${stranded}, and daemon ${killRole('daemon', pick)}`;
    },
    'drop-socket': () => {
      rmSync(join(home.folder, 'clip.sock'), { force: true });
      return 'clip.sock';
    },
    'stop-daemon': async () => `exit ${(await clients.run(['daemon', 'stop'])).code}`,
    'restart-daemon': async () => `exit ${(await clients.run(['daemon', 'restart'])).code}`,
    'fill-disk': ({ forMs }) => {
      if (disk === null) return null;
      disk.fill();
      endAfter(forMs, disk.free);
      return `for ${forMs} ms`;
    },
  };

  return {
    /** Applies a fault and returns a description of its target, or null when there was no target. */
    strike: async (fault: Fault): Promise<string | null> =>
      (handlers[fault.do] as (fault: Fault) => string | null | Promise<string | null>)(fault),
    /** Ends all temporary faults. */
    endAll(): void {
      for (const endFault of [...temporary.keys()]) endFault();
    },
    /** Waits until the running daemon, or one that a command starts, answers. */
    untilAnswers: (): Promise<unknown> =>
      until(
        'a daemon answers',
        async () => clients.closed() || (await clients.run(['runs', '--limit', '1', '--json'])).code === 0,
        60_000,
      ),
  };
}
