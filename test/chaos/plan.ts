/** The plan of a round: its actions, their delays and its faults. A pure function of seed and round number. */
import { createHash } from 'node:crypto';
import { failpoints } from '#launch/failpoints.ts';
import type { AgentStep } from '../support/agents.ts';
import { type Chance, createChance } from './chance.ts';
import { drawProgram, drawScripts, type Program } from './programs.ts';

/**
 * A run that a client wants to start. `name` is its label, and its key if it has one. An order with a key is repeated
 * until it is answered.
 */
export type Order = { readonly name: string; readonly keyed: boolean; readonly after: string | null } & (
  | { readonly what: 'command'; readonly program: Program }
  | { readonly what: 'agent'; readonly prompt: string; readonly options: readonly string[] }
);

type By = 'cli' | 'api';

/**
 * `of`: the name of an earlier order. `pick`: selects one of the runs that exist at that time, as a fraction of their
 * count.
 */
export type Action =
  | { readonly do: 'submit'; readonly order: Order; readonly wait: boolean; readonly by: By }
  | { readonly do: 'submit-again'; readonly of: string }
  | { readonly do: 'batch'; readonly orders: readonly Order[] }
  | { readonly do: 'cancel'; readonly picks: readonly number[]; readonly now: boolean; readonly by: By }
  | { readonly do: 'retry' | 'remove'; readonly pick: number; readonly by: By }
  | { readonly do: 'wait'; readonly picks: readonly number[] }
  | { readonly do: 'follow'; readonly pick: number; readonly stream: 'stdout' | 'stderr' }
  | { readonly do: 'add-task' | 'continue-task' }
  | { readonly do: 'look'; readonly at: 'runs' | 'status' | 'ledger' };

export type Fault =
  | { readonly do: 'kill-daemon' | 'kill-keeper' | 'kill-both'; readonly pick: number }
  | { readonly do: 'kill-client' | 'kill-leader' | 'kill-member'; readonly pick: number }
  | {
      readonly do: 'pause-daemon' | 'pause-keeper' | 'pause-leader' | 'pause-client';
      readonly pick: number;
      readonly forMs: number;
    }
  /** The keeper is suspended for longer than the next daemon waits for it. */
  | { readonly do: 'strand-keeper'; readonly pick: number; readonly forMs: number }
  | { readonly do: 'fill-disk'; readonly forMs: number }
  | { readonly do: 'drop-socket' | 'stop-daemon' | 'restart-daemon' };

export type Move = { readonly afterMs: number } & (Action | Fault);
export type Plan = {
  readonly seed: string;
  readonly round: number;
  /** How many runs may be live at once. */
  readonly slots: number;
  /** `small`: the home is on a disk that can be filled. */
  readonly disk: 'shared' | 'small';
  /** The value of CLIP_FAILPOINT. */
  readonly crashAt: string | null;
  readonly scripts: readonly (readonly AgentStep[])[];
  readonly moves: readonly Move[];
};

export function planOf(seed: string, round: number): Plan {
  const chance = createChance(`${seed}/${round}`);
  const disk = chance.happens(0.25) ? 'small' : 'shared';
  const crashAt = chance.happens(0.3) ? `${chance.oneOf(failpoints)}@${chance.whole(1, 5)}` : null;
  const draw = createDraw(chance, disk === 'small');
  const count = chance.whole(20, 34);
  const moves: Move[] = [];
  for (let n = 0; n < count; n += 1) {
    // The first moves are actions, so that there is something to break.
    const what = n < 4 || chance.happens(0.66) ? draw.action() : draw.fault();
    moves.push({ afterMs: delay(chance), ...what });
  }
  return { seed, round, slots: chance.whole(2, 6), disk, crashAt, scripts: drawScripts(chance), moves };
}

/** Returns a short hash that shows whether two plans are equal. */
export function hashOf(plan: Plan): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 12);
}

/** Returns mostly short delays, so that moves overlap, and sometimes a long one, so that runs can progress. */
function delay(chance: Chance): number {
  const kind = chance.weighed({ close: 5, near: 4, far: 1 });
  return kind === 'close' ? chance.whole(0, 30) : kind === 'near' ? chance.whole(30, 200) : chance.whole(200, 800);
}

function createDraw(chance: Chance, small: boolean) {
  const names: string[] = [];
  const again: string[] = [];
  /** The most recent orders usually have no run number yet. */
  const earlier = () => chance.oneOf(names.slice(0, Math.max(1, names.length - 2)));

  const fractions = (count: number) => Array.from({ length: count }, chance.fraction);

  const by = (): By => (chance.happens(0.55) ? 'api' : 'cli');

  function order(): Order {
    const name = `n${names.length + 1}`;
    const after = names.length > 0 && chance.happens(0.08) ? earlier() : null;
    names.push(name);
    const keyed = chance.happens(0.8);
    if (keyed) again.push(name);
    if (chance.happens(0.15))
      return {
        name,
        keyed,
        after,
        what: 'agent',
        prompt: `Do ${name}.`,
        options: chance.happens(0.3) ? ['--on-loss', 'fail'] : [],
      };
    return { name, keyed, after, what: 'command', program: drawProgram(chance, small) };
  }

  function action(): Action {
    const kind = chance.weighed({
      submit: names.length < 3 ? 30 : 9,
      'submit-again': 1,
      batch: 2.5,
      cancel: 4,
      retry: 1,
      wait: 2,
      follow: 2,
      remove: 2,
      'add-task': 1,
      'continue-task': 0.5,
      look: 0.5,
    });
    switch (kind) {
      case 'submit':
        return { do: kind, order: order(), wait: chance.happens(0.15), by: by() };
      case 'submit-again':
        return again.length === 0 ? { do: 'look', at: 'runs' } : { do: kind, of: chance.oneOf(again) };
      case 'batch':
        return {
          do: kind,
          orders: Array.from({ length: chance.whole(3, 8) }, order).filter((each) => each.what === 'command'),
        };
      case 'cancel':
        return { do: kind, picks: fractions(chance.oneOf([1, 1, 1, 3])), now: chance.happens(0.25), by: by() };
      case 'wait':
        return { do: kind, picks: fractions(chance.oneOf([1, 1, 2, 4])) };
      case 'follow':
        return { do: kind, pick: chance.fraction(), stream: chance.oneOf(['stdout', 'stdout', 'stderr']) };
      case 'retry':
      case 'remove':
        return { do: kind, pick: chance.fraction(), by: by() };
      case 'look':
        return { do: kind, at: chance.oneOf(['runs', 'status', 'ledger']) };
      default:
        return { do: kind };
    }
  }

  function fault(): Fault {
    const kind = chance.weighed({
      'kill-daemon': 8,
      'kill-keeper': 4,
      'kill-both': 2,
      'kill-client': 5,
      'kill-leader': 4,
      'kill-member': 1,
      'pause-daemon': 2.5,
      'pause-keeper': 2.5,
      'pause-leader': 2.5,
      'pause-client': 1,
      'strand-keeper': 0.3,
      'drop-socket': 1.5,
      'stop-daemon': 1,
      'restart-daemon': 1.5,
      'fill-disk': small ? 8 : 0,
    });
    switch (kind) {
      case 'pause-daemon':
      case 'pause-keeper':
      case 'pause-leader':
      case 'pause-client':
        // A long suspension is rare. The daemon takes it for a sleep of the machine.
        return { do: kind, pick: chance.fraction(), forMs: chance.happens(0.04) ? 5_600 : chance.whole(50, 1_500) };
      case 'strand-keeper':
        return { do: kind, pick: chance.fraction(), forMs: 11_500 };
      case 'fill-disk':
        return { do: kind, forMs: chance.whole(100, 1_500) };
      case 'drop-socket':
      case 'stop-daemon':
      case 'restart-daemon':
        return { do: kind };
      default:
        return { do: kind, pick: chance.fraction() };
    }
  }

  return { action, fault };
}
