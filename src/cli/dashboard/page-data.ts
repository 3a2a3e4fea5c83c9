/** Loads the data of a page beyond the board: when it is opened, and again after changes. */
import type { RunView, ShowAnswer } from '#protocol/answers.ts';
import type { LedgerAnswer, TaskShowAnswer } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import type { Client } from '../client/client.ts';
import { acknowledge } from '../commands/acknowledge.ts';
import type { Reader } from '../logs/transcript/renderer.ts';
import { clean } from '../terminal/clean.ts';
import type { TextStyle } from '../terminal/style.ts';
import { type LogEnd, openLogEnd } from './log-tail.ts';
import { nothingOpened, type OpenedRun } from './model.ts';
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

export function createPages({ client, readers, look, env }: PageDeps, changed: () => void) {
  let page: Page = { name: 'board' };
  let opened: OpenedRun = nothingOpened;
  let reader: Reader | null = null;
  let log: LogEnd | null = null;
  let reading = false;
  let again: NodeJS.Timeout | null = null;
  let looking: NodeJS.Timeout | null = null;

  async function read(): Promise<void> {
    if (reading || page.name === 'board' || page.name === 'help') return;
    reading = true;
    const asked = page;
    try {
      const part = await readPage(client, asked);
      if (part.run && log === null) reader = await readers.find(part.run.run);
      if (isSame(asked, page)) opened = { ...opened, ...part, trouble: null };
    } catch (error) {
      // While the daemon does not answer, the earlier data stays.
      const trouble = clean(error instanceof ClipError ? error.message : String(error));
      if (isSame(asked, page)) opened = { ...opened, trouble };
    }
    reading = false;
    if (isSame(asked, page)) watchLog();
    else void read();
    changed();
  }

  function watchLog(): void {
    if (page.name !== 'run' || log !== null || reader === null || opened.run === null) return;
    log = openLogEnd(opened.run.run, { reader, look, env });
    const lookAgain = () => {
      const lines = log?.lines() ?? null;
      if (lines === opened.log) return;
      opened = { ...opened, log: lines };
      changed();
    };
    lookAgain();
    looking = setInterval(lookAgain, logMs);
  }

  function leave(): void {
    if (looking) clearInterval(looking);
    if (again) clearTimeout(again);
    [looking, again] = [null, null];
    log?.close();
    [log, reader] = [null, null];
    opened = nothingOpened;
  }

  return {
    opened: (): OpenedRun => opened,
    /** Loads the data of a page, if it is not the current one. */
    show(next: Page): void {
      const same = isSame(page, next);
      page = next;
      if (same) return;
      leave();
      void read();
    },
    /** Reports a change. The shown page is read again soon. */
    news(): void {
      again ??= setTimeout(() => {
        again = null;
        void read();
      }, pauseMs);
    },
    close: leave,
  };
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
