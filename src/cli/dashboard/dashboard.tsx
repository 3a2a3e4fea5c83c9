/**
 * `clip status --watch`: the dashboard.
 *
 * The feed updates the board, and keys change the state. A frame is drawn from both whenever one of them, a page or the
 * clock has changed. The dashboard reads only pushed updates and the data of opened pages.
 */
import { type Instance, render } from 'ink';
import type { ReactElement } from 'react';
import type { AgentView } from '#protocol/agents.ts';
import { clean } from '../terminal/clean.ts';
import type { TextStyle } from '../terminal/style.ts';
import { type ActionDeps, type DaemonRequest, performAction } from './actions.ts';
import type { Board } from './board.ts';
import type { Feed } from './board-stream.ts';
import { copySequence } from './clipboard.ts';
import type { Connection, Facts, Size } from './dashboard-model.ts';
import { type Frame, frame } from './frame.ts';
import type { Key } from './keys.ts';
import { createLastLines } from './last-lines.ts';
import { mouseOff, mouseOn, WheelInput } from './mouse.ts';
import { Pages } from './page-data.ts';
import { press } from './press.ts';
import { Screen } from './screen.tsx';
import { type ActionRequest, begin, finished, type Scene, type State, said, shownPage } from './state.ts';
import { createReaders } from './stream-readers.ts';

/**
 * The interval at which the clock redraws the screen. With many runs it is slower, because seconds do not matter then.
 */
const clockMs = 1_000;
const slowClock = { from: 50, every: 3 };

/** The time after which a request that was not answered is mentioned. */
const slowMs = 700;

type Options = ActionDeps & {
  readonly feed: Feed;
  readonly look: TextStyle;
  readonly stdin: NodeJS.ReadStream;
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
  #scene: Scene = { rows: [], runs: new Map(), run: null, task: null, room: 1, length: 0, text: null };
  #ink: Instance | null = null;
  #input: WheelInput | null = null;
  #isLeft = false;
  #isAside = false;

  constructor(options: Options) {
    const { client, env, look } = options;
    const readers = createReaders(client);
    this.#options = options;
    this.#pages = new Pages({ client, readers, look, env }, () => this.#redraw());
    this.#lastLines = createLastLines(readers, env);
  }

  async run(): Promise<void> {
    const clock = this.#startClock();
    // Ink gives the terminal back, but does not know the mouse.
    process.once('exit', this.#leaveMouse);
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
      this.#isLeft = true;
      clearInterval(clock);
      this.#pages.close();
      this.#ink?.unmount();
      this.#input?.close();
      this.#options.stdout.off('resize', this.#resize);
      this.#leaveMouse();
      process.off('exit', this.#leaveMouse);
    }
  }

  /**
   * Draws for a new size, on an empty screen. Ink itself would first draw the old lines, and a narrower terminal would
   * wrap them.
   */
  readonly #resize = (): void => {
    if (this.#isLeft || this.#isAside) return;
    this.#ink?.clear();
    this.#options.stdout.write('\u001b[2J\u001b[H');
    this.#redraw();
  };

  readonly #leaveMouse = (): void => void this.#options.stdout.write(mouseOff);

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
    const { stdin, stdout } = this.#options;
    quiet(stdout);
    this.#input = new WheelInput(stdin, (name) => this.#onKey({ name }, null));
    const ink = render(this.#screen(), {
      // Ink uses of its input what a terminal has and every stream.
      stdin: this.#input as unknown as NodeJS.ReadStream,
      stdout,
      alternateScreen: true,
      exitOnCtrlC: false,
      interactive: true,
      incrementalRendering: true,
      maxFps: 20,
    });
    // It comes before Ink's own listener.
    stdout.prependListener('resize', this.#resize);
    return ink;
  }

  #screen(): ReactElement {
    const { look, stdout } = this.#options;
    const size = { columns: stdout.columns || 80, rows: stdout.rows || 24 };
    return <Screen draw={this.#draw} size={size} look={look} onKey={this.#onKey} />;
  }

  #redraw(): void {
    // A screen that is drawn again after its end would turn the mouse on again.
    if (!this.#isLeft) this.#ink?.rerender(this.#screen());
  }

  readonly #draw = ({ columns, rows }: Size): Frame | null => {
    if (this.#board === null) return null;
    const facts: Facts = {
      board: this.#board,
      connection: this.#connection,
      lastLine: this.#lastLines.of,
      opened: this.#pages.opened,
      now: Date.now(),
    };
    const drawn = frame(this.#state, facts, { columns, rows, look: this.#options.look });
    this.#scene = drawn.scene;
    return drawn;
  };

  readonly #onKey = (key: Key, lend: Lend | null): void => {
    const { state, order } = press(this.#state, key, this.#scene);
    this.#state = state;
    if (order !== null) this.#obey(order, lend);
    this.#pages.show(shownPage(this.#state));
    this.#redraw();
  };

  #obey(order: ActionRequest, lend: Lend | null): void {
    switch (order.type) {
      case 'quit':
        this.#isLeft = true;
        return this.#ink?.unmount();
      case 'suspend':
        return void lend?.(() => this.#putAside());
      case 'list-agents':
        return void this.#listAgents();
      case 'copy':
        this.#options.stdout.write(copySequence(order.text));
        this.#state = said(this.#state, `Copied, if the terminal takes it: ${order.text}`);
        return;
      default:
        return void this.#perform(order);
    }
  }

  async #perform(order: DaemonRequest): Promise<void> {
    const slow = setTimeout(() => this.#change((state) => said(state, 'The daemon has not answered yet…')), slowMs);
    const { notice, copy } = await performAction(this.#options, order);
    clearTimeout(slow);
    if (copy !== null) this.#options.stdout.write(copySequence(copy));
    this.#change((state) => finished(state, order, notice));
    // A comment changes the page of its task, and nothing on the board.
    this.#pages.news();
  }

  /** Reads the names of the agents for suggestions. Without them, a name can be typed. */
  async #listAgents(): Promise<void> {
    const { client } = this.#options;
    const answer = await client.call<{ agents: AgentView[] }>('GET', '/v1/agents').catch(() => null);
    const agents = answer?.agents.map(({ name }) => clean(name)) ?? null;
    if (agents !== null) this.#change((state) => ({ ...state, agents }));
  }

  #change(change: (state: State) => State): void {
    this.#state = change(this.#state);
    this.#redraw();
  }

  /** Suspends the whole job, as the terminal would do, until the shell says `fg`. */
  async #putAside(): Promise<void> {
    const { stdout } = this.#options;
    stdout.write(mouseOff);
    this.#isAside = true;
    const back = new Promise<void>((resolve) => process.once('SIGCONT', () => resolve()));
    process.kill(0, 'SIGTSTP');
    await back;
    this.#isAside = false;
    stdout.write(mouseOn);
    // Only the foreground job is told of a new size, so Node looks at the size again.
    process.kill(process.pid, 'SIGWINCH');
  }
}

/** Turns off the echo. Otherwise keys typed before the first frame would be echoed into it. */
function quiet(stdout: NodeJS.WriteStream): void {
  process.stdin.setRawMode(true);
  stdout.write('\r');
}
