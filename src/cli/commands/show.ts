import type { Command } from 'commander';
import type { ShowAnswer } from '#protocol/answers.ts';
import type { Register } from '../command.ts';
import { historyText } from '../format/history.ts';
import { runFacts } from '../format/run.ts';
import { acknowledgeSeen } from './acknowledge-seen.ts';

/** Adds `clip show`. */
export function addShow(command: Command, register: Register): void {
  command.option('--json', 'as JSON').action((ref: string, options: { json?: boolean }) =>
    register(options, async (context) => {
      const client = context.client();
      const answer = await client.call<ShowAnswer>('GET', `/v1/runs/${encodeURIComponent(ref)}`);
      if (context.json) context.printJson(answer);
      else context.print(`${runFacts(context.look, answer)}\n\n${historyText(context.look, answer.events, false)}`);
      await acknowledgeSeen(context, client, [answer.run]);
      return 0;
    }),
  );
}
