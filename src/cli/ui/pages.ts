/** What a page needs beyond the board: read when it is opened, and again when something has changed. */
import type { RunView, ShowAnswer } from '../../protocol/answers.ts';
import type { LedgerAnswer, TaskShowAnswer } from '../../protocol/tasks.ts';
import { ClipError } from '../../run/errors.ts';
import type { Client } from '../client.ts';
import type { Reader } from '../rendered/renderer.ts';
import { clean, type Look } from '../words.ts';
import { nothingOpened, type Opened } from './facts.ts';
import { type LogEnd, openLogEnd } from './log-end.ts';
import type { Readers } from './readers.ts';
import type { Page } from './state.ts';

/** However much changes, a page is not read more often. */
const pauseMs = 1_000;
const logMs = 200;
/** Runs that a timeline shows at most. */
const timelineRuns = 1_000;
/** A run that was queued long before may have run in the hours that are shown. */
const queuedBeforeMs = 24 * 3_600_000;

type Given = { readonly client: Client; readonly readers: Readers; readonly look: Look; readonly env: NodeJS.ProcessEnv };

export function createPages({ client, readers, look, env }: Given, changed: () => void) {
  let page: Page = { name: 'board' };
  let opened: Opened = nothingOpened;
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
      // While nobody answers, what was read before stays.
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
    opened: (): Opened => opened,
    /** Reads what this page needs, if it is another one than before. */
    show(next: Page): void {
      const same = isSame(page, next);
      page = next;
      if (same) return;
      leave();
      void read();
    },
    /** Something has changed: what is shown is read again soon. */
    news(): void {
      again ??= setTimeout(() => {
        again = null;
        void read();
      }, pauseMs);
    },
    close: leave,
  };
}

/** Whether both show the same thing, wherever they are scrolled to. */
function isSame(a: Page, b: Page): boolean {
  if (a.name === 'run') return b.name === 'run' && a.run === b.run;
  if (a.name === 'task') return b.name === 'task' && a.task === b.task;
  if (a.name === 'timeline') return b.name === 'timeline' && a.hours === b.hours && a.back === b.back;
  return a.name === b.name;
}

async function readPage(client: Client, page: Page): Promise<Partial<Opened>> {
  switch (page.name) {
    case 'run':
      return { run: await client.call<ShowAnswer>('GET', `/v1/runs/${page.run}`) };
    case 'task':
      return { task: await readTask(client, page.task) };
    case 'timeline': {
      const since = Math.max(0, Date.now() - (page.back + page.hours) * 3_600_000 - queuedBeforeMs);
      const { runs } = await client.call<{ runs: RunView[] }>('GET', `/v1/runs?limit=${timelineRuns}&since=${Math.floor(since)}`);
      return { timeline: runs };
    }
    default:
      return {};
  }
}

async function readTask(client: Client, task: number): Promise<Opened['task']> {
  const [shown, ledger] = await Promise.all([
    client.call<TaskShowAnswer>('GET', `/v1/tasks/${task}`),
    client.call<LedgerAnswer>('GET', `/v1/ledger?task=${task}`),
  ]);
  if (ledger.runs.every(({ endedAt }) => endedAt === null)) return { shown, ledger, summary: null };
  try {
    const { document } = await client.call<{ document: NonNullable<Opened['task']>['summary'] }>('GET', `/v1/tasks/${task}/handoff`);
    return { shown, ledger, summary: document };
  } catch (error) {
    if (error instanceof ClipError && error.code === 'not_found') return { shown, ledger, summary: null };
    throw error;
  }
}
