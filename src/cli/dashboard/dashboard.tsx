/**
 * `clip status --watch`: the dashboard.
 *
 * The feed updates the board, and keys change the state. A frame is drawn from both whenever one of them, a page or the
 * clock has changed. The dashboard reads only pushed updates and the data of opened pages.
 */
import { type Instance, render } from 'ink';
import type { Client } from '../client/client.ts';
import type { TextStyle } from '../terminal/style.ts';
import { performAction } from './actions.ts';
import type { Board } from './board.ts';
import type { Feed } from './board-stream.ts';
import { frame } from './frame.ts';
import { createLastLines } from './last-lines.ts';
import type { Connection, Facts, Size } from './model.ts';
import { createPages } from './page-data.ts';
import { Screen } from './screen.tsx';
import { type ActionRequest, begin, currentPage, type Key, press, type Scene, type State } from './state.ts';
import { createReaders } from './stream-readers.ts';

/** The interval at which the clock redraws the screen. With many runs it is slower, because seconds do not matter then. */
const clockMs = 1_000;
const slowClock = { from: 50, every: 3 };

type Options = {
  readonly feed: Feed;
  readonly client: Client;
  readonly look: TextStyle;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WriteStream;
};

/** Runs the dashboard until the person quits, and restores the terminal. Throws when the feed breaks. */
export async function runDashboard({ feed, client, look, env, stdout }: Options): Promise<void> {
  let state: State = begin;
  let board: Board | null = null;
  let connection: Connection = 'live';
  let scene: Scene = { rows: [], runs: new Map(), room: 1, length: 0 };
  let ink: Instance | null = null;
  const readers = createReaders(client);
  const pages = createPages({ client, readers, look, env }, redraw);
  const lastLines = createLastLines(readers, env);

  function facts(on: Board): Facts {
    return { board: on, connection, lastLine: lastLines.of, opened: pages.opened(), now: Date.now() };
  }

  function draw({ columns, rows }: Size): readonly string[] {
    if (board === null) return [];
    const drawn = frame(state, facts(board), { columns, rows, look });
    scene = drawn.scene;
    return drawn.lines;
  }

  function redraw(): void {
    ink?.rerender(<Screen draw={draw} onKey={onKey} />);
  }

  function onKey(key: Key, lend: (use: () => Promise<void>) => Promise<void>): void {
    const { state: next, order } = press(state, key, scene);
    state = next;
    if (order !== null) obey(order, lend);
    pages.show(currentPage(state));
    redraw();
  }

  function obey(order: ActionRequest, lend: (use: () => Promise<void>) => Promise<void>): void {
    if (order.type === 'quit') ink?.unmount();
    else if (order.type === 'suspend') void lend(putAside);
    else
      void performAction(client, order, env).then((message) => {
        state = { ...state, message };
        redraw();
      });
  }

  let beats = 0;
  const clock = setInterval(() => {
    beats += 1;
    if ((board?.live.length ?? 0) < slowClock.from || beats % slowClock.every === 0) redraw();
  }, clockMs);
  try {
    await new Promise<void>((resolve, reject) => {
      feed
        .run((news, now) => {
          [board, connection] = [news, now];
          pages.news();
          lastLines.forget(news.runs);
          if (ink !== null) return redraw();
          quiet(stdout);
          ink = render(<Screen draw={draw} onKey={onKey} />, {
            stdout,
            alternateScreen: true,
            exitOnCtrlC: false,
            interactive: true,
            incrementalRendering: true,
            maxFps: 20,
          });
          ink.waitUntilExit().then(() => resolve(), reject);
        })
        .catch(reject);
    });
  } finally {
    clearInterval(clock);
    pages.close();
    (ink as Instance | null)?.unmount();
  }
}

/** Turns off the echo. Otherwise keys typed before the first frame would be echoed into it. */
function quiet(stdout: NodeJS.WriteStream): void {
  process.stdin.setRawMode(true);
  stdout.write('\r');
}

/** Suspends the whole job, as the terminal would do, until the shell says `fg`. */
async function putAside(): Promise<void> {
  const back = new Promise<void>((resolve) => process.once('SIGCONT', () => resolve()));
  process.kill(0, 'SIGTSTP');
  await back;
}
