/** The table for the completions, from the command tree; made by the build. */
import type { Argument, Command, Option } from 'commander';
import { settings } from '../config/settings.ts';
import { runStatuses } from '../run/run.ts';
import { taskStatuses } from '../task/task.ts';
import type { Kind, Node } from './complete.ts';

export function completionTable(tree: Command): Node {
  return nodeOf(tree, '');
}

function nodeOf(command: Command, path: string): Node {
  const options = command.options.filter(({ hidden }) => !hidden);
  const help = { '--help': { s: 'display help for command', v: null } };
  return {
    s: command.description(),
    o: {
      ...Object.fromEntries(options.flatMap((option) => namesOf(option).map((name) => [name, { s: option.description, v: valueKind(option, path) }]))),
      ...help,
    },
    k: path === 'help' ? [namesIn(command.parent)] : command.registeredArguments.map((argument) => argumentKind(argument, path)),
    c: Object.fromEntries(command.commands.map((nested) => [nested.name(), nodeOf(nested, `${path} ${nested.name()}`.trim())])),
  };
}

function namesIn(tree: Command | null): string[] {
  return [...(tree?.commands ?? []).map((each) => each.name()), 'exit-codes', 'errors'];
}

function namesOf({ short, long }: Option): string[] {
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

/** These are about what lives, or waits to. */
const aboutLive = new Set(['wait', 'cancel']);

function argumentKind(argument: Argument, path: string): Kind {
  const name = argument.name();
  if (argument.argChoices) return argument.argChoices;
  if (name === 'run') return aboutLive.has(path) ? 'live' : 'run';
  if (path.startsWith('config ') && name === 'key') return settings.map(({ key }) => key);
  if (path.startsWith('agent ') && path !== 'agent add' && name === 'name') return 'agent';
  if (['file', 'command'].includes(name)) return 'file';
  return ['task', 'who', 'group'].includes(name) ? name : '';
}
