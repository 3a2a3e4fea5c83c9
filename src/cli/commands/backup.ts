import type { Command } from 'commander';
import { findForeignFiles, validateHome } from '#config/home.ts';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { formatSize } from '../format/format.ts';
import { clean } from '../terminal/clean.ts';

/** Adds `clip backup`. */
export function addBackup(command: Command, register: Register): void {
  command
    .option('--json', 'as JSON')
    .action((file: string, options: { json?: boolean }) => register(options, (context) => backup(context, file)));
}

async function backup(context: Context, file: string): Promise<number> {
  const trouble = validateHome(context.home) ?? findForeignFiles(context.home);
  if (trouble) throw new ClipError('home_unusable', trouble.sentence, trouble.hint);
  const { backUp } = await import('#doctor/backup.ts');
  const done = backUp(context.home, file);
  if ('why' in done) throw new ClipError('refused', done.why, done.hint);
  if (context.json) context.printJson({ schema: 1, ...done });
  else context.print(`${clean(done.path)}: ${done.runs} runs, ${formatSize(done.bytes)}`);
  return 0;
}
