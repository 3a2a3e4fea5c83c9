/** What was done, as the streams of the runs show it: files and commands. Both are named by agents, so they stand as inline code. */

import type { CommandRecord, FileRecord } from '../../run/account.ts';
import { limits } from '../../run/limits.ts';
import { onlyReads } from '../commands/commands.ts';
import { line, type Piece } from './pieces.ts';
import { inlineCode } from './quoted.ts';
import type { CleanInput, SummaryRun } from './summary-input.ts';
import { countWords } from './summary-words.ts';

/** A dozen paths show where the work is; a run that changed more has changed everything. */
export const pathsShown = 12;
const pathLength = 120;
/** The last commands are the ones whose end matters to who goes on. */
const commandsShown = 12;
const commandLength = 140;

export function filesOf({ runs }: CleanInput): readonly Piece[] {
  const files = allFiles(runs);
  const more = files.length - pathsShown + runs.reduce((sum, { account }) => sum + (account?.filesMore ?? 0), 0);
  const shown = files
    .slice(0, pathsShown)
    .map(({ path, kind, times }) => line(`- ${inlineCode(path, pathLength)} ${changeWords(kind)} ${countWords(times, 'time')}`));
  const counted = runs.find(({ workspace }) => (workspace?.filesChanged ?? 0) > 0);
  const git = counted?.workspace;
  const byGit = git
    ? [
        line(
          `- The work folder has ${countWords(git.filesChanged ?? 0, 'changed file')} since run ${counted.number} began${git.insertions === null ? '' : ` (+${git.insertions} -${git.deletions ?? 0} lines)`}, whoever changed them.`,
        ),
      ]
    : [];
  if (shown.length === 0) return byGit.length > 0 ? [...byGit, line('- Which ones, no stream has said.')] : [line('None that was seen.')];
  return [...byGit, ...shown, ...(more > 0 ? [line(`- and ${more} more`)] : [])];
}

type Touched = FileRecord & { readonly path: string };

/** Over all runs, the newest first. */
function allFiles(runs: readonly SummaryRun[]): readonly Touched[] {
  const files = new Map<string, Touched>();
  for (const { account } of runs) {
    for (const [path, record] of Object.entries(account?.files ?? {})) {
      const newer = files.get(path);
      files.set(path, { path, kind: newer?.kind ?? record.kind, times: (newer?.times ?? 0) + record.times, at: Math.max(newer?.at ?? record.at, record.at) });
    }
  }
  return [...files.values()].sort((a, b) => b.at - a.at || (a.path < b.path ? -1 : 1));
}

function changeWords(kind: FileRecord['kind']): string {
  switch (kind) {
    case 'add':
      return 'added, written';
    case 'delete':
      return 'deleted, touched';
    default:
      return 'changed';
  }
}

export function commandsOf({ runs }: CleanInput): readonly Piece[] {
  const all = runs.flatMap((run) => [...newestOf(run)]);
  const looks = all.filter(isLook).length;
  const shown = all.filter((record) => !isLook(record)).slice(0, commandsShown);
  const ran = runs.reduce((sum, { account }) => sum + (account?.commands ?? 0), 0);
  const rest = looks > 0 ? [line(`- Beside them ${countWords(looks, 'command')} that only read.`)] : [];
  if (shown.length === 0) return ran === 0 ? [line('None that was seen.')] : rest;
  return [
    line('The newest first:'),
    ...shown.map((record) => line(`- run ${record.run}: ${inlineCode(record.command, commandLength)} ${endWords(record)}`)),
    ...rest,
  ];
}

type Ran = CommandRecord & { readonly run: number; readonly open: boolean };

function newestOf({ number, account }: SummaryRun): readonly Ran[] {
  if (account === null) return [];
  const open = Object.values(account.openTools).flatMap(({ kind, command, tool, at }) =>
    kind === 'command' ? [{ command: command ?? tool, exitCode: null, failed: false, at, run: number, open: true }] : [],
  );
  return [...account.recentCommands.map((record) => ({ ...record, run: number, open: false })), ...open].reverse();
}

/** A look that succeeded tells nobody anything; of a command that was too long to be kept, the end may write. */
function isLook({ command, failed, open }: Ran): boolean {
  return !failed && !open && command.length < limits.accountCommandLength - 1 && onlyReads(command);
}

function endWords({ exitCode, failed, open }: Ran): string {
  if (open) return 'had not ended when the run did';
  const code = exitCode === null ? 'exit code not known' : `exit code ${exitCode}`;
  return failed ? `**failed**, ${code}` : code;
}
