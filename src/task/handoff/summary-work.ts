/**
 * What was done, according to the streams of the runs: files and commands. Agents choose both names, so they are shown
 * as inline code.
 */

import type { CommandRecord, FileRecord } from '#run/stream-tools.ts';
import type { NamedFile } from '#run/workspace.ts';
import type { SinceTaskRecord } from '#run/workspace-record.ts';
import { readsAsFarAsSeen } from '../liveness/evidence.ts';
import { absolute, within } from '../progress/paths.ts';
import { line, type SectionPiece } from './fit-section.ts';
import { inlineCode } from './quote.ts';
import { findSinceTask, formatCount, openCommands } from './summary-format.ts';
import type { CleanInput, SummaryRun } from './summary-input.ts';

/** A dozen paths show where the work is. A list of more would not help. */
export const pathsShown = 12;
const pathLength = 120;
/** The results of the last commands matter most to the next run. */
const commandsShown = 12;
const commandLength = 140;

/** Builds the section on the files that were touched. */
export function buildFiles({ runs }: CleanInput): readonly SectionPiece[] {
  const since = findSinceTask(runs);
  const told = allFiles(runs, since?.root ?? null);
  const toldMore = runs.reduce((sum, { streamState }) => sum + (streamState?.filesMore ?? 0), 0);
  if (since === null) {
    const shown = told
      .slice(0, pathsShown)
      .map((file) =>
        line(`- ${inlineCode(file.path, pathLength)} ${formatChange(file.kind)} ${formatCount(file.times, 'time')}`),
      );
    return shown.length === 0
      ? [line('None that was seen.')]
      : [...shown, ...moreThan(told.length - pathsShown + toldMore)];
  }
  const changed = new Set(since.files.map(({ path }) => path));
  const others = told.filter(({ path }) => !changed.has(path));
  const named = since.files.slice(0, pathsShown).map((file) => line(formatFile(file, told)));
  const room = pathsShown - named.length;
  return [
    line(formatFolder(since)),
    ...named,
    ...moreThan((since.filesChanged ?? since.files.length) - named.length),
    ...(others.length === 0
      ? []
      : [line('- Written by its tools, and as it was before, ignored by git, or elsewhere:')]),
    ...others
      .slice(0, room)
      .map((file) => line(`- ${inlineCode(file.path, pathLength)} ${formatCount(file.times, 'time')}`)),
    ...moreThan(others.length === 0 ? toldMore : others.length - Math.min(room, others.length) + toldMore),
  ];
}

function moreThan(more: number): readonly SectionPiece[] {
  return more > 0 ? [line(`- and ${more} more`)] : [];
}

function formatFolder({ run, filesChanged, insertions, deletions }: SinceTaskRecord): string {
  const lines = insertions === null || deletions === null ? '' : ` (+${insertions} -${deletions} lines)`;
  if (filesChanged === null)
    return `- Changed in the work folder since run ${run} began, changes of others included, as far as is known:`;
  if (filesChanged === 0) return `- The work folder holds what it held when run ${run} began.`;
  const files = formatCount(filesChanged, 'changed file');
  return `- The work folder has ${files} since run ${run} began${lines}, changes of others included:`;
}

function formatFile({ path, kind }: NamedFile, told: readonly Touched[]): string {
  const times = told.find((file) => file.path === path)?.times ?? 0;
  const by = times === 0 ? '' : `, written ${formatCount(times, 'time')} by its tools`;
  return `- ${inlineCode(path, pathLength)} ${kindWords[kind]}${by}`;
}

const kindWords = { add: 'added', update: 'changed', delete: 'deleted' } as const;

type Touched = FileRecord & { readonly path: string };

/** Returns the files of all runs, newest first, relative to the root of the work tree where it is known. */
function allFiles(runs: readonly SummaryRun[], root: string | null): readonly Touched[] {
  const files = new Map<string, Touched>();
  for (const { streamState, cwd } of runs) {
    for (const [told, record] of Object.entries(streamState?.files ?? {})) {
      const path = root === null ? told : (within(root, absolute(cwd, told)) ?? told);
      const newer = files.get(path);
      files.set(path, {
        path,
        kind: newer?.kind ?? record.kind,
        times: (newer?.times ?? 0) + record.times,
        at: Math.max(newer?.at ?? record.at, record.at),
      });
    }
  }
  return [...files.values()].sort((a, b) => b.at - a.at || (a.path < b.path ? -1 : 1));
}

function formatChange(kind: FileRecord['kind']): string {
  switch (kind) {
    case 'add':
      return 'added, written';
    case 'delete':
      return 'deleted, touched';
    default:
      return 'changed';
  }
}

/** Builds the section on the commands that were run. */
export function buildCommands({ runs }: CleanInput): readonly SectionPiece[] {
  const all = runs.flatMap((run) => [...selectNewest(run)]);
  const looks = all.filter(isLook).length;
  const shown = all.filter((record) => !isLook(record)).slice(0, commandsShown);
  const ran = runs.reduce((sum, { streamState }) => sum + (streamState?.commands ?? 0), 0);
  const rest = looks > 0 ? [line(`- Beside them ${formatCount(looks, 'command')} that only read.`)] : [];
  if (shown.length === 0) return ran === 0 ? [line('None that was seen.')] : rest;
  return [
    line('The newest first:'),
    ...shown.map((record) =>
      line(`- run ${record.run}: ${inlineCode(record.command, commandLength)} ${formatEnd(record)}`),
    ),
    ...rest,
  ];
}

const failedShown = 3;

/** Builds a line for each of the newest commands that failed at last. `but`: a command that is described elsewhere. */
export function buildFailedCommands({ runs }: CleanInput, but: string | null): readonly SectionPiece[] {
  const newest = new Map<string, RanCommand>();
  for (const record of runs.flatMap((run) => [...selectNewest(run)]))
    if (record.command !== but && !newest.has(record.command)) newest.set(record.command, record);
  return [...newest.values()]
    .filter(({ failed }) => failed)
    .slice(0, failedShown)
    .map((record) => line(`- Run ${record.run}: ${inlineCode(record.command, commandLength)} ${formatEnd(record)}`));
}

type RanCommand = CommandRecord & { readonly run: number; readonly open: boolean };

function selectNewest({ number, streamState }: SummaryRun): readonly RanCommand[] {
  if (streamState === null) return [];
  const open = openCommands(streamState).map(({ command, tool, at }) => ({
    command: command ?? tool,
    exitCode: null,
    failed: false,
    at,
    run: number,
    open: true,
  }));
  return [...streamState.recentCommands.map((record) => ({ ...record, run: number, open: false })), ...open].reverse();
}

/**
 * Returns whether a command is a successful read, which tells nothing. A command that was cut when stored may write in
 * its missing end.
 */
function isLook({ command, failed, open }: RanCommand): boolean {
  return !failed && !open && readsAsFarAsSeen(command);
}

function formatEnd({ exitCode, failed, open }: RanCommand): string {
  if (open) return 'had not ended when the run did';
  const code = exitCode === null ? 'exit code not known' : `exit code ${exitCode}`;
  return failed ? `**failed**, ${code}` : code;
}
