/**
 * `clip status --watch`: the dashboard.
 *
 * The feed updates the board, and keys change the state. A frame is drawn from both whenever one of them, a page or the
 * clock has changed. The dashboard reads only pushed updates and the data of opened pages.
 */
import { type Instance, render } from 'ink';
import type { ReactElement } from 'react';
import type { Client } from '../client/client.ts';
import type { TextStyle } from '../terminal/style.ts';
import { performAction } from './actions.ts';
import type { Board } from './board.ts';
import type { Feed } from './board-stream.ts';
import type { Connection, Facts, Size } from './dashboard-model.ts';
import { frame } from './frame.ts';
import { createLastLines } from './last-lines.ts';
import { Pages } from './page-data.ts';
import { Screen } from './screen.tsx';
import { type ActionRequest, begin, currentPage, type Key, press, type Scene, type State } from './state.ts';
import { createReaders } from './stream-readers.ts';

/**
 * The interval at which the clock redraws the screen. With many runs it is slower, because seconds do not matter then.
 */
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
export function runDashboard(options: Options): Promise<void> {
  return new Dashboard(options).run();
}

type Lend = (use: () => Promise<void>) => Promise<void>;

class Dashboard {
  readonly #options: Options;
  readonly #pages: Pages;
  readonly #lastLines: ReturnType<typeof createLastLines>;
  #state: State = begin;
  #board: Board | null = null;
  #connection: Connection = 'live';
  #scene: Scene = { rows: [], runs: new Map(), room: 1, length: 0 };
  #ink: Instance | null = null;

  constructor(options: Options) {
    const { client, env, look } = options;
    const readers = createReaders(client);
    this.#options = options;
    this.#pages = new Pages({ client, readers, look, env }, () => this.#redraw());
    this.#lastLines = createLastLines(readers, env);
  }

  async run(): Promise<void> {
    const clock = this.#startClock();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#options.feed
          .run((board, connection) => {
            this.#takeNews(board, connection);
            if (this.#ink !== null) return this.#redraw();
            this.#ink = this.#render();
            this.#ink.waitUntilExit().then(() => resolve(), reject);
          })
          .catch(reject);
      });
    } finally {
      clearInterval(clock);
      this.#pages.close();
      this.#ink?.unmount();
    }
  }

  #startClock(): NodeJS.Timeout {
    let beats = 0;
    return setInterval(() => {
      beats += 1;
      if ((this.#board?.live.length ?? 0) < slowClock.from || beats % slowClock.every === 0) this.#redraw();
    }, clockMs);
  }

  #takeNews(board: Board, connection: Connection): void {
    this.#board = board;
    this.#connection = connection;
    this.#pages.news();
    this.#lastLines.forget(board.runs);
  }

  #render(): Instance {
    const { stdout } = this.#options;
    quiet(stdout);
    return render(this.#screen(), {
      stdout,
      alternateScreen: true,
      exitOnCtrlC: false,
      interactive: true,
      incrementalRendering: true,
      maxFps: 20,
    });
  }

  #screen(): ReactElement {
    return <Screen draw={this.#draw} onKey={this.#onKey} />;
  }

  #redraw(): void {
    this.#ink?.rerender(this.#screen());
  }

  readonly #draw = ({ columns, rows }: Size): readonly string[] => {
    if (this.#board === null) return [];
    const facts: Facts = {
      board: this.#board,
      connection: this.#connection,
      lastLine: this.#lastLines.of,
      opened: this.#pages.opened,
      now: Date.now(),
    };
    const { lines, scene } = frame(this.#state, facts, { columns, rows, look: this.#options.look });
    this.#scene = scene;
    return lines;
  };

  readonly #onKey = (key: Key, lend: Lend): void => {
    const { state, order } = press(this.#state, key, this.#scene);
    this.#state = state;
    if (order !== null) this.#obey(order, lend);
    this.#pages.show(currentPage(this.#state));
    this.#redraw();
  };

  #obey(order: ActionRequest, lend: Lend): void {
    if (order.type === 'quit') this.#ink?.unmount();
    else if (order.type === 'suspend') void lend(putAside);
    else
      void performAction(this.#options.client, order, this.#options.env).then((message) => {
        this.#state = { ...this.#state, message };
        this.#redraw();
      });
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
