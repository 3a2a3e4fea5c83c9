import type { Command } from 'commander';
import type { DocumentHeadView, DocumentView } from '../../protocol/tasks.ts';
import type { Context } from '../context.ts';
import { green, grey, red, span, wrap } from '../rendered/spans.ts';
import { taskPath } from '../task-words.ts';
import type { Choose } from '../verb.ts';
import { agoWords, clean, cleanText, type Look, paint, sizeWords, table } from '../words.ts';

type Answer = { task: number; document: DocumentView; diff: string; history?: DocumentHeadView[] };

export function addHandoff(program: Command, choose: Choose): void {
  program
    .command('handoff <task>')
    .description('what the next run of a task is told of the earlier ones')
    .option('--history', 'its revisions')
    .option('--diff', 'what the last one changed')
    .option('--json', 'as JSON')
    .action((ref: string, options: { history?: boolean; diff?: boolean; json?: boolean }) =>
      choose({ json: options.json ?? false }, async (context) => {
        const { diff, ...answer } = await context.client().call<Answer>('GET', `${taskPath(ref)}/handoff?history=${options.history ?? false}`);
        if (context.json) context.printJson(options.diff ? { ...answer, diff } : answer);
        else if (options.history) context.print(historyTable(context, answer.history ?? []));
        else if (options.diff) context.print(diffText(context, diff));
        else context.print(await bodyText(context, answer.document.body));
        return 0;
      }),
    );
}

/** Markdown for a person, and as it is for a program. */
async function bodyText({ look }: Context, body: string): Promise<string> {
  if (look.width === null) return cleanText(body);
  const { markdownLines } = await import('../rendered/markdown.ts');
  return markdownLines(cleanText(body), look).join('\n');
}

/** A line that was long stays one line: its sign stands only before its beginning. */
function diffText({ look }: Context, diff: string): string {
  if (diff === '') return 'Nothing has changed since the revision before.';
  const lines = cleanText(diff).replace(/\n$/, '').split('\n');
  return lines
    .flatMap((line) =>
      wrap([span(line, ...(line.startsWith('+') ? [green] : line.startsWith('-') ? [red] : line === '…' ? [grey] : []))], look, { first: '', rest: '  ' }),
    )
    .join('\n');
}

function historyTable({ look }: Context, revisions: readonly DocumentHeadView[]): string {
  const now = Date.now();
  return table(
    revisions,
    [
      { title: 'REVISION', cell: ({ revision }) => String(revision), right: true },
      { title: 'WRITTEN', cell: ({ updatedAt }) => agoWords(updatedAt, now), right: true },
      { title: 'SIZE', cell: ({ bytes }) => sizeWords(bytes), right: true },
      { title: 'CHANGE', cell: (revision) => changeWords(revision, revisions, look), right: true },
      { title: 'BY', cell: ({ author, runId }) => (runId === null ? clean(author) : `${clean(author)}, run ${clean(runId)}`), flexible: true, from: 60 },
    ],
    look,
  );
}

/** How much longer or shorter it became; nothing is known of the one before the oldest that is listed. */
function changeWords({ revision, bytes }: DocumentHeadView, revisions: readonly DocumentHeadView[], look: Look): string {
  const before = revisions.find((each) => each.revision === revision - 1);
  if (before === undefined) return '–';
  const more = bytes - before.bytes;
  return paint(more >= 0 ? `+${more} B` : `−${-more} B`, more >= 0 ? green : red, look);
}
