import type { Command } from 'commander';
import type { DocumentHeadView, DocumentView } from '../../protocol/tasks.ts';
import type { Context } from '../context.ts';
import { taskPath } from '../task-words.ts';
import type { Choose } from '../verb.ts';
import { agoWords, cleanText, sizeWords, table } from '../words.ts';

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
        else context.print(cleanText(options.diff ? diff : answer.document.body));
        return 0;
      }),
    );
}

function historyTable({ look }: Context, revisions: readonly DocumentHeadView[]): string {
  const now = Date.now();
  return table(
    revisions,
    [
      { title: 'REVISION', cell: ({ revision }) => String(revision), right: true },
      { title: 'WRITTEN', cell: ({ updatedAt }) => agoWords(updatedAt, now), right: true },
      { title: 'SIZE', cell: ({ bytes }) => sizeWords(bytes), right: true },
    ],
    look,
  );
}
