import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { DocumentAnswer, DocumentHeadView } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { whyUnreadable } from '../format/file-error.ts';
import { formatAgo, formatSize } from '../format/format.ts';
import { table } from '../format/table.ts';
import { taskPath } from '../format/task.ts';
import { clean } from '../terminal/clean.ts';
import { count, positiveNumber } from './options.ts';
import { readFileWithin, readInput } from './run-request.ts';

type JsonOption = { readonly json?: boolean };
type PutOptions = JsonOption & { readonly title?: string; readonly base?: number };

/** Adds `clip task doc` with its subcommands. */
export function addTaskDocuments(task: Command, register: Register): void {
  const doc = task.command('doc').description('documents of a task: every revision is kept');
  addPut(doc, register);
  addGet(doc, register);
  addList(doc, register);
}

function addPut(doc: Command, register: Register): void {
  doc
    .command('put <task> [key] [file]')
    .usage('[options] [task] <key> [file]')
    .description(
      'a new revision, from a file, or - (also without a file) for this command’s input; ' +
        'inside a run of a task, the task may be left out',
    )
    .option('--title <text>', 'a title')
    .option('--base <n>', 'the revision you have seen, 0 for a new one: refused when there is a newer one', count)
    .option('--json', 'as JSON')
    .action((first: string, second: string | undefined, third: string | undefined, options: PutOptions) =>
      register(options, async (context) => {
        const [ref, key, file] = placed(context, [first, second, third]);
        const request = {
          title: options.title ?? null,
          body: readBody(context, file),
          baseRevision: options.base ?? null,
        };
        const answer = await context.client().call<DocumentAnswer>('PUT', documentPath(ref, key), request);
        if (context.json) context.printJson(answer);
        else context.print(`Document ${clean(key)} of T${answer.task} is at revision ${answer.document.revision}.`);
        return 0;
      }),
    );
}

function addGet(doc: Command, register: Register): void {
  doc
    .command('get <task> [key]')
    .usage('[options] [task] <key>')
    .description('its text')
    .option('--revision <n>', 'an older one', positiveNumber)
    .option('--json', 'as JSON')
    .action((first: string, second: string | undefined, options: JsonOption & { revision?: number }) =>
      register(options, async (context) => {
        const [ref, key] = placed(context, [first, second]);
        const which = options.revision === undefined ? '' : `?revision=${options.revision}`;
        const answer = await context.client().call<DocumentAnswer>('GET', `${documentPath(ref, key)}${which}`);
        if (context.json) context.printJson(answer);
        else context.print(answer.document.body);
        return 0;
      }),
    );
}

function addList(doc: Command, register: Register): void {
  doc
    .command('list [task]')
    .description('all documents of a task')
    .option('--system', 'those that clip writes, too')
    .option('--json', 'as JSON')
    .action((given: string | undefined, { system = false, json = false }: JsonOption & { system?: boolean }) =>
      register({ json }, async (context) => {
        const path = `${taskPath(given ?? ownTask(context))}/documents?system=${system}`;
        const answer = await context.client().call<{ documents: DocumentHeadView[] }>('GET', path);
        if (context.json) context.printJson(answer);
        else if (answer.documents.length === 0)
          context.notice('No documents. Keep one: clip task doc put TASK KEY FILE');
        else context.print(documentTable(context, answer.documents));
        return 0;
      }),
    );
}

/** Returns task, key and file. Without a task, it is the run's own. */
function placed(
  context: Context,
  words: readonly (string | undefined)[],
): [task: string, key: string, file: string | undefined] {
  const named = /^[Tt]?[1-9]\d{0,14}$/.test(words[0] ?? '');
  const [key, file] = named ? words.slice(1) : words;
  if (key === undefined)
    throw new ClipError('usage', 'The document has no key.', 'Name it after the task: clip task doc put T7 plan FILE');
  return [named ? (words[0] as string) : ownTask(context), key, file];
}

function ownTask({ env }: Context): string {
  const task = env['CLIP_TASK'];
  if (task) return task;
  throw new ClipError(
    'usage',
    'No task was named, and this is no run of one.',
    'Name it by its number: T7. clip task list shows them.',
  );
}

const documentPath = (ref: string, key: string) => `${taskPath(ref)}/documents/${encodeURIComponent(key)}`;

function readBody(context: Context, file: string | undefined): string {
  if (file === undefined || file === '-')
    return readInput(limits.documentLength * 4, 'Put less into one document.').toString('utf8');
  const path = resolve(context.cwd(), file);
  try {
    return readFileWithin(path, limits.documentLength * 4, 'Put less into one document.').toString('utf8');
  } catch (error) {
    if (error instanceof ClipError) throw error;
    throw new ClipError(
      'not_found',
      `The file ${path} cannot be read: ${whyUnreadable(error)}.`,
      `Check the path: clip task doc put TASK KEY ${file}`,
      error,
    );
  }
}

function documentTable({ look }: Context, documents: readonly DocumentHeadView[]): string {
  const now = Date.now();
  return table(
    documents,
    [
      { title: 'KEY', cell: ({ key }) => clean(key) },
      { title: 'REVISION', cell: ({ revision }) => String(revision), right: true },
      { title: 'BY', cell: ({ author }) => clean(author) },
      { title: 'SIZE', cell: ({ bytes }) => formatSize(bytes), right: true },
      { title: 'CHANGED', cell: ({ updatedAt }) => formatAgo(updatedAt, now), right: true },
      { title: 'TITLE', cell: ({ title }) => clean(title ?? ''), flexible: true },
    ],
    look,
  );
}
