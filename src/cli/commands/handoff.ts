import type { Command } from 'commander';
import type { DocumentHeadView, DocumentView } from '#protocol/tasks.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { formatAgo, formatSize } from '../format/format.ts';
import { table } from '../format/table.ts';
import { taskPath } from '../format/task.ts';
import { clean, cleanText } from '../terminal/clean.ts';
import { type Colour, paint, type TextStyle } from '../terminal/style.ts';
import { span, wrap } from '../terminal/styled-text.ts';

type HandoffReply = { task: number; document: DocumentView; diff: string; history?: DocumentHeadView[] };

/** Adds `clip handoff`. */
export function addHandoff(command: Command, register: Register): void {
  command
    .option('--history', 'its revisions')
    .option('--diff', 'what the last one changed')
    .option('--json', 'as JSON')
    .action((ref: string, options: { history?: boolean; diff?: boolean; json?: boolean }) =>
      register(options, async (context) => {
        const { diff, ...answer } = await context
          .client()
          .call<HandoffReply>('GET', `${taskPath(ref)}/handoff?history=${options.history ?? false}`);
        if (context.json) context.printJson(options.diff ? { ...answer, diff } : answer);
        else if (options.history) context.print(historyTable(context, answer.history ?? []));
        else if (options.diff) context.print(diffText(context, diff));
        else context.print(await bodyText(context, answer.document.body));
        return 0;
      }),
    );
}

/** Returns the body as rendered Markdown on a terminal, and unchanged for a program. */
async function bodyText({ look }: Context, body: string): Promise<string> {
  if (look.width === null) return cleanText(body);
  const { markdownLines } = await import('../logs/transcript/markdown.ts');
  return markdownLines(cleanText(body), look).join('\n');
}

/** Formats the difference. A wrapped line has its sign only at the beginning. */
function diffText({ look }: Context, diff: string): string {
  if (diff === '') return 'Nothing has changed since the revision before.';
  const lines = cleanText(diff).replace(/\n$/, '').split('\n');
  return lines
    .flatMap((line) => wrap([span(line, ...findDiffColours(line))], look, { first: '', rest: '  ' }))
    .join('\n');
}

function historyTable({ look }: Context, revisions: readonly DocumentHeadView[]): string {
  const now = Date.now();
  return table(
    revisions,
    [
      { title: 'REVISION', cell: ({ revision }) => String(revision), right: true },
      { title: 'WRITTEN', cell: ({ updatedAt }) => formatAgo(updatedAt, now), right: true },
      { title: 'SIZE', cell: ({ bytes }) => formatSize(bytes), right: true },
      { title: 'CHANGE', cell: (revision) => formatChange(revision, revisions, look), right: true },
      {
        title: 'BY',
        cell: ({ author, runId }) => (runId === null ? clean(author) : `${clean(author)}, run ${clean(runId)}`),
        flexible: true,
        from: 60,
      },
    ],
    look,
  );
}

/** Formats the change in size. For the oldest listed revision it is unknown. */
function formatChange(
  { revision, bytes }: DocumentHeadView,
  revisions: readonly DocumentHeadView[],
  look: TextStyle,
): string {
  const before = revisions.find((each) => each.revision === revision - 1);
  if (before === undefined) return '–';
  const more = bytes - before.bytes;
  return paint(more >= 0 ? `+${more} B` : `−${-more} B`, more >= 0 ? 'green' : 'red', look);
}

function findDiffColours(line: string): readonly Colour[] {
  if (line.startsWith('+')) return ['green'];
  if (line.startsWith('-')) return ['red'];
  return line === '…' ? ['gray'] : [];
}
