import type { Command } from 'commander';
import type { ShowAnswer } from '#protocol/answers.ts';
import type { Register } from '../command.ts';
import { historyText } from '../format/history.ts';
import { runFacts } from '../format/run.ts';
import { clean } from '../terminal/clean.ts';
import { paint, type TextStyle } from '../terminal/style.ts';
import { acknowledgeSeen } from './acknowledge-seen.ts';

/** Adds `clip show`. */
export function addShow(command: Command, register: Register): void {
  command.option('--json', 'as JSON').action((ref: string, options: { json?: boolean }) =>
    register(options, async (context) => {
      const client = context.client();
      const answer = await client.call<ShowAnswer>('GET', `/v1/runs/${encodeURIComponent(ref)}`);
      if (context.json) context.printJson(answer);
      else context.print(formatRun(context.look, answer));
      await acknowledgeSeen(context, client, [answer.run]);
      return 0;
    }),
  );
}

/** Formats the facts of a run, its history, and what its agent was told. */
function formatRun(look: TextStyle, answer: ShowAnswer): string {
  const parts = [runFacts(look, answer), historyText(look, answer.events, false)];
  const prompt = answer.prompt?.trim() ?? '';
  // A prompt of one line is shown among the facts already.
  if (prompt.includes('\n')) parts.push(`${paint('Prompt', 'bold', look)}\n${indent(prompt)}`);
  return parts.join('\n\n');
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${clean(line)}`.trimEnd())
    .join('\n');
}
