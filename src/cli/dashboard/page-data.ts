/** Loads the data of a page beyond the board: when it is opened, and again after changes. */
import type { RunView, ShowAnswer } from '#protocol/answers.ts';
import type { LedgerAnswer, TaskShowAnswer } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { acknowledge } from '../client/acknowledge.ts';
import type { Client } from '../client/client.ts';
import type { Reader } from '../logs/transcript/renderer.ts';
import { clean } from '../terminal/clean.ts';
import type { TextStyle } from '../terminal/style.ts';
import { nothingOpened, type OpenedRun } from './dashboard-model.ts';
import { type LogEnd, openLogEnd } from './log-pane.ts';
import type { Page } from './state.ts';
import type { Readers } from './stream-readers.ts';

/** The shortest interval between two reads of a page. */
const pauseMs = 1_000;
const logMs = 200;
/** The number of runs in a timeline. */
const timelineRuns = 1_000;
/** A run may have been queued long before the hours that the timeline shows. */
const queuedBeforeMs = 24 * 3_600_000;

type PageDeps = {
  readonly client: Client;
  readonly readers: Readers;
  readonly look: TextStyle;
  readonly env: NodeJS.ProcessEnv;
};

/** The data of the shown page. */
export class Pages {
  readonly #deps: PageDeps;
  readonly #changed: () => void;
  #page: Page = { name: 'board' };
  #opened: OpenedRun = nothingOpened;
  #reader: Reader | null = null;
  #log: LogEnd | null = null;
  #reading = false;
  #again: NodeJS.Timeout | null = null;
  #looking: NodeJS.Timeout | null = null;

  /** `changed` is called after each change of the data. */
  constructor(deps: PageDeps, changed: () => void) {
    this.#deps = deps;
    this.#changed = changed;
  }

  /** The data of the shown page, as far as it was read. */
  get opened(): OpenedRun {
    return this.#opened;
  }

  /** Loads the data of a page, if it is not the current one. */
  show(next: Page): void {
    const same = isSame(this.#page, next);
    this.#page = next;
    if (same) return;
    this.close();
    void this.#read();
  }

  /** Reports a change. The shown page is read again soon. */
  news(): void {
    this.#again ??= setTimeout(() => {
      this.#again = null;
      void this.#read();
    }, pauseMs);
  }

  /** Stops reading, and forgets the data. */
  close(): void {
    if (this.#looking) clearInterval(this.#looking);
    if (this.#again) clearTimeout(this.#again);
    [this.#looking, this.#again] = [null, null];
    this.#log?.close();
    [this.#log, this.#reader] = [null, null];
    this.#opened = nothingOpened;
  }

  async #read(): Promise<void> {
    if (this.#reading || this.#page.name === 'board') return;
    this.#reading = true;
    const asked = this.#page;
    try {
      const part = await readPage(this.#deps.client, asked);
      if (part.run && this.#log === null) this.#reader = await this.#deps.readers.find(part.run.run);
      if (isSame(asked, this.#page)) this.#opened = { ...this.#opened, ...part, trouble: null };
    } catch (error) {
      // While the daemon does not answer, the earlier data stays.
      const trouble = clean(error instanceof ClipError ? error.message : String(error));
      if (isSame(asked, this.#page)) this.#opened = { ...this.#opened, trouble };
    }
    this.#reading = false;
    if (isSame(asked, this.#page)) this.#watchLog();
    else void this.#read();
    this.#changed();
  }

  #watchLog(): void {
    const { run } = this.#opened;
    if (this.#page.name !== 'run' || this.#log !== null || this.#reader === null || run === null) return;
    const { look, env } = this.#deps;
    this.#log = openLogEnd(run.run, { reader: this.#reader, look, env });
    this.#lookAtLog();
    this.#looking = setInterval(() => this.#lookAtLog(), logMs);
  }

  #lookAtLog(): void {
    const log = this.#log?.lines() ?? null;
    if (log === this.#opened.log) return;
    this.#opened = { ...this.#opened, log };
    this.#changed();
  }
}

/** Returns whether both pages show the same thing, at any scroll position. */
function isSame(a: Page, b: Page): boolean {
  if (a.name === 'run') return b.name === 'run' && a.run === b.run;
  if (a.name === 'task') return b.name === 'task' && a.task === b.task;
  if (a.name === 'timeline') return b.name === 'timeline' && a.hours === b.hours && a.back === b.back;
  return a.name === b.name;
}

async function readPage(client: Client, page: Page): Promise<Partial<OpenedRun>> {
  switch (page.name) {
    case 'run': {
      const answer = await client.call<ShowAnswer>('GET', `/v1/runs/${page.run}`);
      if (answer.run.needsYou) await acknowledge(client, page.run, 'seen').catch(() => {});
      return { run: answer };
    }
    case 'task':
      return { task: await readTask(client, page.task) };
    case 'timeline': {
      const since = Math.max(0, Date.now() - (page.back + page.hours) * 3_600_000 - queuedBeforeMs);
      const { runs } = await client.call<{ runs: RunView[] }>(
        'GET',
        `/v1/runs?limit=${timelineRuns}&since=${Math.floor(since)}`,
      );
      return { timeline: runs };
    }
    default:
      return {};
  }
}

async function readTask(client: Client, task: number): Promise<OpenedRun['task']> {
  const [shown, ledger] = await Promise.all([
    client.call<TaskShowAnswer>('GET', `/v1/tasks/${task}`),
    client.call<LedgerAnswer>('GET', `/v1/ledger?task=${task}`),
  ]);
  if (ledger.runs.every(({ endedAt }) => endedAt === null)) return { shown, ledger, summary: null };
  try {
    const { document } = await client.call<{ document: NonNullable<OpenedRun['task']>['summary'] }>(
      'GET',
      `/v1/tasks/${task}/handoff`,
    );
    return { shown, ledger, summary: document };
  } catch (error) {
    if (error instanceof ClipError && error.code === 'not_found') return { shown, ledger, summary: null };
    throw error;
  }
}
