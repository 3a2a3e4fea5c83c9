/** Builds the completion table from the command tree. The build writes it to a file. */
import type { Argument, Command, Option } from 'commander';
import { settings } from '#config/settings.ts';
import { runStatuses } from '#run/run.ts';
import { taskStatuses } from '#task/task.ts';
import type { Kind, Node } from './complete.ts';

/** Builds the table of all commands, options and kinds of values. */
export function completionTable(tree: Command): Node {
  return buildNode(tree, '');
}

function buildNode(command: Command, path: string): Node {
  const options = command.options.filter(({ hidden }) => !hidden);
  const help = { '--help': { s: 'display help for command', v: null } };
  return {
    s: command.description(),
    o: {
      ...Object.fromEntries(
        options.flatMap((option) =>
          listNames(option).map((name) => [name, { s: option.description, v: valueKind(option, path) }]),
        ),
      ),
      ...help,
    },
    k:
      path === 'help'
        ? [namesIn(command.parent)]
        : command.registeredArguments.map((argument) => argumentKind(argument, path)),
    c: Object.fromEntries(
      command.commands.map((nested) => [nested.name(), buildNode(nested, `${path} ${nested.name()}`.trim())]),
    ),
  };
}

function namesIn(tree: Command | null): string[] {
  return [...(tree?.commands ?? []).map((each) => each.name()), 'exit-codes', 'errors'];
}

function listNames({ short, long }: Option): string[] {
  return [long, short].filter((name) => name !== undefined && name !== null);
}

function valueKind(option: Option, path: string): Kind | null {
  if (!option.required && !option.optional) return null;
  if (option.argChoices) return option.argChoices;
  if (option.long === '--status') return path.startsWith('task') ? taskStatuses : runStatuses;
  const value = /[<[]([\w-]+)/.exec(option.flags)?.[1] ?? '';
  if (option.long === '--agent') return 'agent';
  if (['file', 'dir', 'path'].includes(value)) return 'file';
  return ['run', 'task', 'agent', 'who', 'group'].includes(value) ? value : '';
}

/** Commands whose argument is a live or queued run. */
const aboutLive = new Set(['wait', 'cancel']);

function argumentKind(argument: Argument, path: string): Kind {
  const name = argument.name();
  if (argument.argChoices) return argument.argChoices;
  if (name === 'task-or-run') return 'task';
  if (name === 'run') return aboutLive.has(path) ? 'live' : 'run';
  if (path.startsWith('config ') && name === 'key') return settings.map(({ key }) => key);
  if (path.startsWith('agent ') && path !== 'agent add' && name === 'name') return 'agent';
  if (['file', 'command'].includes(name)) return 'file';
  return ['task', 'who', 'group'].includes(name) ? name : '';
}
