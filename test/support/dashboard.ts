/** The data of the dashboard, as much as a test needs, and keys that are pressed one after the other. */

import { renderToString } from 'ink';
import { createElement } from 'react';
import type { Board } from '#cli/dashboard/board.ts';
import { type Facts, nothingOpened } from '#cli/dashboard/dashboard-model.ts';
import { frame } from '#cli/dashboard/frame.ts';
import type { Key } from '#cli/dashboard/keys.ts';
import { press } from '#cli/dashboard/press.ts';
import { type ActionRequest, begin, type State } from '#cli/dashboard/state.ts';
import { View } from '#cli/dashboard/view.tsx';
import type { RunView } from '#protocol/answers.ts';
import type { NeedView } from '#protocol/needs.ts';
import { noon } from './runs.ts';
import { aView } from './views.ts';

type Lists = {
  readonly live?: readonly RunView[];
  readonly queued?: readonly RunView[];
  readonly recent?: readonly RunView[];
  readonly needsYou?: readonly NeedView[];
};

export function aBoard(
  { live = [], queued = [], recent = [], needsYou = [] }: Lists = {},
  given: Partial<Board> = {},
): Board {
  const numbers = (runs: readonly RunView[]) => runs.map(({ number }) => number);
  return {
    daemon: {
      pid: 77,
      version: '0.1.0',
      startedAt: new Date(noon - 3_600_000).toISOString(),
      home: '/home/me',
      memoryBytes: 90 * 2 ** 20,
      trouble: null,
    },
    queue: { held: false, queued: queued.length, slots: 4, taken: live.length, agentSlots: 8, agentsTaken: 0 },
    spentToday: { runs: 12, costUsd: 1.234, costKnownUsd: 1.234, tokens: 340_000, tokensKnown: 340_000 },
    needsYou: [...needsYou],
    live: numbers(live),
    queued: numbers(queued),
    recent: numbers(recent),
    runs: new Map([...live, ...queued, ...recent].map((run) => [run.number, run])),
    ...given,
  };
}

export function factsOf(board: Board, given: Partial<Facts> = {}): Facts {
  return { board, connection: 'live', lastLine: () => null, opened: nothingOpened, now: noon, ...given };
}

export const at = (ms: number): string => new Date(noon + ms).toISOString();

export const busy = {
  running: aView({
    number: 12,
    agentName: 'coder',
    taskId: 7,
    cpuPercent: 12.4,
    memoryBytes: 340 * 2 ** 20,
    silence: 'talking',
    startedAt: at(-245_000),
  }),
  queued: aView({
    number: 13,
    status: 'queued',
    startedAt: null,
    name: 'deploy',
    waitingFor: 'a free slot',
    queuedAt: at(-60_000),
    silence: null,
  }),
  failed: aView({
    number: 9,
    status: 'failed',
    endedAt: at(-30_000),
    startedAt: at(-90_000),
    exitCode: 3,
    stopReason: 'exit_nonzero',
    errorCode: 'exit_nonzero',
    error: 'Exited with code 3.',
  }),
  need: {
    kind: 'task',
    task: 7,
    run: 12,
    agent: 'coder',
    title: 'Make the tests pass',
    status: 'blocked',
    since: at(-60_000),
    what: 'Which database?',
    next: 'Settle it, then: clip continue T7',
  } satisfies NeedView,
};

/** Returns the lines of the screen, as Ink lays them out. The ends of colors are those that clip writes itself. */
export function screen(state: State, facts: Facts, columns = 100, rows = 30, colour = false): string[] {
  const look = { colour, width: columns };
  const drawn = frame(state, facts, { columns, rows, look });
  const view = createElement(View, { frame: drawn, size: { columns, rows }, look });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Ink ends each color by a code of its own
  const drawnText = renderToString(view, { columns }).replaceAll(/\u001b\[(?:22|39)m/g, '\u001b[0m');
  return drawnText.split('\n').map((line) => line.trimEnd());
}

/** Presses keys, for example `j`, `enter`, `/`. Returns the last state and the orders that the keys caused. */
export function pressed(
  facts: Facts,
  keys: readonly string[],
  from: State = begin,
  rows = 30,
): { state: State; orders: ActionRequest[] } {
  const orders: ActionRequest[] = [];
  let state = from;
  for (const name of keys) {
    const { scene } = frame(state, facts, { columns: 100, rows, look: { colour: false, width: 100 } });
    const key: Key = name.length === 1 ? { name: 'text', text: name } : ({ name } as Key);
    const step = press(state, key, scene);
    state = step.state;
    if (step.order) orders.push(step.order);
  }
  return { state, orders };
}
