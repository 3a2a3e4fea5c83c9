import type { Command } from 'commander';
import { strangersIn, troubleWithHome } from '../../config/home.ts';
import { ClipError } from '../../run/errors.ts';
import type { Context } from '../context.ts';
import type { Choose } from '../verb.ts';
import { clean, sizeWords } from '../words.ts';

export function addBackup(program: Command, choose: Choose): void {
  program
    .command('backup <file>')
    .description('copy the database into a new file; runs go on. Logs and values of variables are not in it')
    .option('--json', 'as JSON')
    .action((file: string, options: { json?: boolean }) => choose({ json: options.json ?? false }, (context) => backup(context, file)));
}

async function backup(context: Context, file: string): Promise<number> {
  const trouble = troubleWithHome(context.home) ?? strangersIn(context.home);
  if (trouble) throw new ClipError('home_unusable', trouble.sentence, trouble.hint);
  const { backUp } = await import('../../doctor/backup.ts');
  const done = backUp(context.home, file);
  if ('why' in done) throw new ClipError('refused', done.why, done.hint);
  if (context.json) context.printJson({ schema: 1, ...done });
  else context.print(`${clean(done.path)}: ${done.runs} runs, ${sizeWords(done.bytes)}`);
  return 0;
}
