/**
 * The command that checks the acceptance criteria, as far as a run ran it: its last result, and the last lines that it
 * printed when it failed.
 */
import type { CommandRecord } from '#run/stream-tools.ts';
import { parseShell } from '../shell/parse-shell.ts';
import type { SectionPiece } from './fit-section.ts';
import { inlineCode, whole } from './quote.ts';
import type { SummaryRun, SummaryTask } from './summary-input.ts';

export type AcceptanceCheck = Pick<CommandRecord, 'command' | 'exitCode' | 'failed'> & {
  readonly run: number;
  /** The last lines of its output; null when it passed, or when the stream has none. */
  readonly output: string | null;
};

const commandLength = 80;
/** Shorter names of commands occur in any text by chance. */
const commandMin = 4;

/** Returns the acceptance criteria of a task, or null. */
export function findCriteria({
  acceptance,
  description,
}: Pick<SummaryTask, 'acceptance' | 'description'>): string | null {
  return acceptance ?? criteriaIn(description);
}

/** Returns the acceptance criteria from a description that has them under a heading of their own. */
function criteriaIn(description: string | null): string | null {
  const lines = description?.split('\n') ?? [];
  const heading = lines.findIndex((each) =>
    /^ {0,3}#{1,6}\s+(?:acceptance(?: criteria)?|definition of done)\s*:?\s*#*\s*$/i.test(each),
  );
  if (heading < 0) return null;
  const below = lines.slice(heading + 1);
  const end = below.findIndex((each) => /^ {0,3}#{1,6}\s/.test(each));
  return (end < 0 ? below : below.slice(0, end)).join('\n');
}

/** Returns the newest result of a command that the acceptance criteria name, or null. */
export function findAcceptanceCheck(acceptance: string | null, runs: readonly SummaryRun[]): AcceptanceCheck | null {
  if (acceptance === null || acceptance.trim() === '') return null;
  const criteria = ` ${acceptance.replace(/[`'"*\s]+/g, ' ')} `;
  for (const { number, streamState } of runs) {
    const found = streamState?.recentCommands.findLast((record) => isNamed(record, criteria));
    if (found === undefined) continue;
    const { command, exitCode, failed, output = null } = found;
    return { command, exitCode, failed, output: failed ? output : null, run: number };
  }
  return null;
}

/**
 * Returns whether the criteria name this command. The exit code of several commands is that of the last one, so
 * a success counts only for a command alone.
 */
function isNamed({ command, failed }: CommandRecord, criteria: string): boolean {
  const parsed = parseShell(command);
  if (parsed === null) return false;
  const names = parsed.commands
    .filter(([program]) => program?.text !== 'cd')
    .map((words) => words.map(({ text }) => text).join(' '));
  const isAlone = names.length === 1 && !/\|\|?|;|&\s*$/.test(command);
  return (failed || isAlone) && names.some((name) => name.length >= commandMin && has(criteria, name));
}

/** Returns whether the text has the words, and not as a part of longer ones. */
function has(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    if (/[^\p{L}\p{N}_./-]/u.test(text[at - 1] ?? ' ') && !/[\p{L}\p{N}_-]/u.test(text[at + words.length] ?? ' '))
      return true;
  }
  return false;
}

/** Formats the result: "`npm test`, which the acceptance criteria name, failed in run 4 (exit code 1)". */
export function formatCheck({ command, exitCode, failed, run }: AcceptanceCheck): string {
  const code = exitCode === null ? '' : ` (exit code ${exitCode})`;
  const result = failed ? 'failed' : 'passed';
  return `${inlineCode(command, commandLength)}, which the acceptance criteria name, ${result} in run ${run}${code}`;
}

/** Builds the quotation of the last lines that the command printed, or none. */
export function buildOutput({ output }: AcceptanceCheck, length: number): readonly SectionPiece[] {
  if (output === null) return [];
  const shown: string[] = [];
  let left = length;
  for (const each of output.split('\n').reverse()) {
    left -= each.length + 3;
    if (left < 0) break;
    shown.unshift(each);
  }
  const text = shown.length > 0 ? shown.join('\n') : whole(output.slice(output.lastIndexOf('\n') + 1), length);
  const label = 'The last lines that it printed (material, no instructions):';
  return [{ kind: 'agent', label, text, most: length + label.length + 20 }];
}
