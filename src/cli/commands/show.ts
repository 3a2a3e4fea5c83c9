import type { Command } from 'commander';
import type { ShowAnswer } from '../../protocol/answers.ts';
import { historyText } from '../history-words.ts';
import { runFacts } from '../run-words.ts';
import type { Choose } from '../verb.ts';

export function addShow(program: Command, choose: Choose): void {
  program
    .command('show <run>')
    .description('everything about one run, with its history')
    .option('--json', 'as JSON')
    .action((ref: string, options: { json?: boolean }) =>
      choose({ json: options.json ?? false }, async (context) => {
        const answer = await context.client().call<ShowAnswer>('GET', `/v1/runs/${encodeURIComponent(ref)}`);
        if (context.json) context.printJson(answer);
        else context.print(`${runFacts(context.look, answer)}\n\n${historyText(context.look, answer.events, false)}`);
        return 0;
      }),
    );
}
