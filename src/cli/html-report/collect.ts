/** Collects the data of a report from the daemon and the logs. Secrets of this shell are hidden in all of it. */
import { version } from '#launch/version.ts';
import type { RunView } from '#protocol/answers.ts';
import type { DocumentView, LedgerAnswer, TaskShowAnswer } from '#protocol/tasks.ts';
import { cutText } from '#run/cut-text.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Client } from '../client/client.ts';
import type { Context } from '../context.ts';
import { formatSize, plural } from '../format/format.ts';
import { taskPath } from '../format/task.ts';
import { createReader } from '../logs/log-format.ts';
import { readLogBytes } from '../logs/print-logs.ts';
import type { Reader } from '../logs/transcript/renderer.ts';
import { createRedactor } from '../terminal/mask-secrets.ts';
import type { PageFacts, ShownLog } from './report-model.ts';

/** The length of one log, from its end, and of all logs together, from the newest runs. */
const logLengthMax = 200_000;
const logsLengthMax = 20_000_000;

/** Collects the data of a report about one task, or about the newest runs for null. Throws for an unknown task. */
export async function gather(context: Context, task: string | null): Promise<PageFacts> {
  const client = context.client();
  const hide = createRedactor(context.env);
  const path = task === null ? null : taskPath(task);
  const query =
    path === null ? `limit=${limits.pageTasks}` : `task=${path.slice('/v1/tasks/'.length)}&limit=${limits.pageRunsMax}`;
  const shown = path === null ? null : await client.call<TaskShowAnswer>('GET', path);
  const ledger = await client.call<LedgerAnswer>('GET', `/v1/ledger?${query}`);
  const summary = path === null ? null : await fetchSummary(client, path);
  const logs = new Map<number, readonly ShownLog[]>();
  let length = 0;
  for (const run of ledger.runs) {
    const all = length > logsLengthMax ? [leftOut(run)] : await collectLogs(client, run, hide);
    length += all.reduce((sum, { text }) => sum + text.length, 0);
    logs.set(run.number, all);
  }
  const facts = { version, madeAt: new Date().toISOString(), task: shown, summary, ledger };
  return { ...(hidden(facts, hide) as typeof facts), logs };
}

/** Returns the summary, or null when there is none yet. */
async function fetchSummary(client: Client, path: string): Promise<DocumentView | null> {
  try {
    return (await client.call<{ document: DocumentView }>('GET', `${path}/handoff`)).document;
  } catch (error) {
    if (error instanceof ClipError && error.code === 'not_found') return null;
    throw error;
  }
}

/** Hides secrets in every text of a value. */
function hidden(value: unknown, hide: (text: string) => string): unknown {
  if (typeof value === 'string') return hide(value);
  if (Array.isArray(value)) return value.map((each) => hidden(each, hide));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hidden(each, hide)]));
}

function leftOut({ number }: RunView): ShownLog {
  return {
    name: 'Output',
    text: '',
    note: `Left out, for this page has become long enough. All of it: clip logs ${number}`,
  };
}

async function collectLogs(client: Client, run: RunView, hide: (text: string) => string): Promise<ShownLog[]> {
  if (run.startedAt === null) return [{ name: 'Output', text: '', note: 'It has not started.' }];
  if (run.logsRemovedAt !== null)
    return [
      {
        name: 'Output',
        text: '',
        note: `Its logs were removed on ${run.logsRemovedAt.slice(0, 10)}, being too old or too many.`,
      },
    ];
  const reader = (await createReader(client, run)) ?? { adapter: 'plain', mapping: null };
  const places = [
    {
      name: reader.adapter === 'plain' && reader.mapping === null ? 'Output' : 'What it said and did',
      stream: 'stdout',
      place: run.stdoutPath,
    },
    { name: 'Error output', stream: 'stderr', place: run.stderrPath },
  ] as const;
  const all: ShownLog[] = [];
  for (const { name, stream, place } of places) {
    if (place !== null) all.push({ name, ...(await readLogText(place, { run, reader, stream, hide })) });
  }
  return all.filter(({ text, note }) => text !== '' || note !== null);
}

type LogSource = {
  readonly run: RunView;
  readonly reader: Reader;
  readonly stream: 'stdout' | 'stderr';
  readonly hide: (text: string) => string;
};

/** Returns the end of a log as text. The end says more than the beginning. */
async function readLogText(
  place: string,
  { run, reader, stream, hide }: LogSource,
): Promise<Pick<ShownLog, 'text' | 'note'>> {
  const { createRenderer } = await import('../logs/transcript/renderer.ts');
  const renderer = createRenderer({
    reader,
    stream,
    look: { colour: false, width: null },
    cwd: run.cwd,
    hint: `clip logs ${run.number} --raw`,
    hide,
  });
  const kept = createTail();
  try {
    for await (const chunk of readLogBytes(place)) kept.add(renderer.push(chunk));
    kept.add(renderer.rest());
  } catch (error) {
    if (!(error instanceof ClipError)) throw error;
    return { text: kept.text(), note: 'The log could not be read to its end.' };
  }
  const note =
    kept.dropped() === 0
      ? null
      : `The first ${plural(kept.dropped(), 'line')} are left out; the last ${formatSize(logLengthMax)} are here. ` +
        `All of it: clip logs ${run.number}`;
  return { text: kept.text(), note: note?.replace('first 1 line are', 'first line is') ?? null };
}

/** Collects the last lines that fit. */
function createTail() {
  let lines: string[] = [];
  let length = 0;
  let dropped = 0;

  function cut(): void {
    let from = 0;
    while (length > logLengthMax && from < lines.length - 1) {
      length -= (lines[from]?.length ?? 0) + 1;
      from += 1;
    }
    dropped += from;
    lines = lines.slice(from);
  }

  return {
    add(more: readonly string[]): void {
      for (const line of more) {
        const short = line.length > logLengthMax ? `${cutText(line, logLengthMax)}…` : line;
        lines.push(short);
        length += short.length + 1;
        // The list is cut only now and then, because cutting a long list for each line is slow.
        if (length > 2 * logLengthMax) cut();
      }
    },
    dropped: () => dropped,
    text(): string {
      cut();
      return lines.join('\n');
    },
  };
}
