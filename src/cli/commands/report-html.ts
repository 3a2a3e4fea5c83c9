import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { whyUnwritable } from '../format/file-error.ts';
import { formatSize, plural } from '../format/format.ts';
import { gather } from '../html-report/collect.ts';
import { clean } from '../terminal/clean.ts';
import { link } from '../terminal/hyperlinks.ts';

type Options = { task?: string; force?: boolean; json?: boolean };

/** Adds `clip report-html`. */
export function addReportHtml(command: Command, register: Register): void {
  command
    .option('--task <task>', 'of this task; without it, of the last runs of all')
    .option('--force', 'write over a file that is there')
    .option('--json', 'as JSON: where it is, and how large')
    .action((file: string, options: Options) =>
      register(options, async (context) => {
        const path = resolve(context.cwd(), file);
        refuseTaken(path, options.force ?? false);
        const { renderPage: pageOf } = await import('../html-report/page.ts');
        const facts = await gather(context, options.task ?? null);
        const bytes = Buffer.from(pageOf(facts));
        put(path, bytes, options.force ?? false);
        const runs = facts.ledger.runs.length;
        if (context.json)
          context.printJson({
            schema: 1,
            path,
            bytes: bytes.length,
            task: facts.task?.task.number ?? null,
            runs,
            hidden: facts.ledger.hidden,
          });
        else context.print(doneSentence(context, { path, bytes: bytes.length, runs }));
        return 0;
      }),
    );
}

function doneSentence(
  { look }: Context,
  { path, bytes, runs }: { readonly path: string; readonly bytes: number; readonly runs: number },
): string {
  const about = `${link(clean(path), path, look)}: ${plural(runs, 'run')}, ${formatSize(bytes)}.`;
  return `${about} Only you can read it; it holds what the runs have printed.`;
}

/** Throws when the file exists. It runs before any request, because a report takes some time. */
function refuseTaken(path: string, force: boolean): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined || (force && !there.isDirectory())) return;
  if (there.isDirectory())
    throw new ClipError('usage', `${path} is a folder.`, 'Name a file in it: clip report-html report.html');
  throw taken(path);
}

function taken(path: string, cause?: unknown): ClipError {
  return new ClipError(
    'refused',
    `There is a file ${path} already.`,
    'Name another one, or write over it: --force',
    cause,
  );
}

/** Writes the file atomically, readable by its owner only. */
function put(path: string, bytes: Buffer, force: boolean): void {
  const place = force ? join(dirname(path), `.${basename(path)}.${process.pid}`) : path;
  let made = false;
  try {
    const file = openSync(place, 'wx', 0o600);
    made = true;
    try {
      writeFileSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    chmodSync(place, 0o600);
    if (force) renameSync(place, path);
  } catch (error) {
    if (made && existsSync(place)) rmSync(place, { force: true });
    if (!force && (error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(path, error);
    throw new ClipError(
      'failed',
      `The report ${path} cannot be written: ${whyUnwritable(error)}.`,
      'Is its folder there, and yours to write in?',
      error,
    );
  }
}
