/** Generates the manual page from the command tree. */
import type { Command, Option } from 'commander';
import { completionTable } from '#cli/completion/completion-table.ts';
import { errorsText, exitCodesText } from '#cli/exit-codes.ts';
import { commandTree } from '#cli/program.ts';

const environment: readonly (readonly [string, string])[] = [
  ['CLIP_HOME', 'The home, where the database, the socket and the runs are.'],
  ['CLIP_NO_SPAWN', 'With 1, no verb starts the daemon.'],
  [
    'CLIP_RUN_ID, CLIP_RUN_TOKEN, CLIP_BIN',
    'Set inside a run: its mark, the proof for clip report, and the command clip.',
  ],
  ['CLIP_DEBUG', 'With 1, a bug is shown with where it happened.'],
  ['NO_COLOR, FORCE_COLOR', 'No colors, or colors everywhere.'],
  ['XDG_STATE_HOME, XDG_CONFIG_HOME', 'Where the home and the settings are when CLIP_HOME does not say.'],
];

const files: readonly (readonly [string, string])[] = [
  ['~/.local/state/clip', 'The home, unless CLIP_HOME or XDG_STATE_HOME says another.'],
  ['~/.config/clip/config.toml', 'The settings; clip config list shows them all.'],
  ['~/.config/systemd/user/clip.service', 'Written by clip boot enable.'],
];

/** Returns the table that the completions read. */
export const completions = async () => JSON.stringify(completionTable(await commandTree()));

export async function manPage(version: string, date: string): Promise<string> {
  const tree = await commandTree();
  const lines = [
    `.TH CLIP 1 ${date} "clip ${version}" "User Commands"`,
    '.SH NAME',
    'clip \\- keep AI coding agents and long commands running and accounted for',
    '.SH SYNOPSIS',
    '.B clip',
    '.RI [ options ]',
    '.I verb',
    '.RI [ arguments ]',
    '.SH DESCRIPTION',
    line(tree.description()),
    line(
      'A run outlives the terminal and the daemon; its output and its true exit code are kept; a stop ends everything that it has started.',
    ),
    'A',
    '.I RUN',
    line('is a number, an id or the beginning of one, a name, or @last.'),
    '.SH OPTIONS',
    ...optionsOf(tree),
    '.SH VERBS',
    ...tree.commands.flatMap((command) => verb(command, 'clip')),
    '.SH EXIT STATUS',
    ...verbatim(exitCodesText),
    '.SH ERRORS',
    ...verbatim(errorsText()),
    '.SH ENVIRONMENT',
    ...environment.flatMap(tagged),
    '.SH FILES',
    ...files.flatMap(tagged),
    '.SH SEE ALSO',
    line('clip help VERB; the documents that come with the package.'),
  ];
  return `${lines.join('\n')}\n`;
}

function verb(command: Command, above: string): string[] {
  const name = `${above} ${command.name()}`;
  if (command.commands.length > 0) return command.commands.flatMap((nested) => verb(nested, name));
  return [
    `.SS "${escaped(`${name} ${command.usage()}`.replace(/\s+/g, ' '))}"`,
    line(command.description()),
    ...optionsOf(command),
  ];
}

function optionsOf(command: Command): string[] {
  return command.options
    .filter(({ hidden }) => !hidden)
    .flatMap((option) => ['.TP', `.B ${escaped(option.flags)}`, line(described(option))]);
}

function described({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
  const standard =
    typeof defaultValue === 'string' || typeof defaultValue === 'number' ? ` (default ${defaultValue})` : '';
  return `${description}${choices}${standard}`;
}

function tagged([name, says]: readonly [string, string]): string[] {
  return ['.TP', `.B ${escaped(name)}`, line(says)];
}

function verbatim(text: string): string[] {
  return ['.nf', ...text.trimEnd().split('\n').map(line), '.fi'];
}

/** Returns a line of text that roff does not take for a request. */
function line(text: string): string {
  const safe = escaped(text);
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replace(
      /[^\0-\u007f]/gu,
      (char) => `\\[u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}
