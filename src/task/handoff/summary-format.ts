/** Formatters that several sections of a summary use. */

import { isoTime } from '#run/iso-time.ts';
import type { OpenTool } from '#run/stream-tools.ts';
import type { SinceTaskRecord } from '#run/workspace-record.ts';
import { inlineCode } from './quote.ts';
import type { SummaryRun } from './summary-input.ts';

/** Formats a time within the range of dates. Any other value was damaged. */
export function formatTime(at: number): string {
  return Number.isFinite(at) && Math.abs(at) <= 8.64e15 ? `${isoTime(at).slice(0, 19)}Z` : 'an unknown time';
}

/** Formats how long a run took: "after 2 min 5 s". */
export function formatLasted({ startedAt, endedAt, exitKnown }: SummaryRun): string {
  if (startedAt === null) return 'without having started';
  const seconds = Math.max(0, Math.round((endedAt - startedAt) / 1_000));
  const after = exitKnown ? 'after' : 'after at most';
  if (seconds < 60) return `${after} ${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${after} ${minutes} min ${seconds % 60} s`
    : `${after} ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Formats the end time, or the time at which the end was found. */
export function formatEndTime({ endedAt, exitKnown }: SummaryRun): string {
  return exitKnown ? formatTime(endedAt) : `found at ${formatTime(endedAt)}`;
}

/** Formats a count with its noun: "1 file", "2 files". */
export function formatCount(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Returns the difference from the beginning of the task, from the newest run that recorded it. */
export function findSinceTask(runs: readonly SummaryRun[]): SinceTaskRecord | null {
  return runs.find(({ workspace }) => workspace?.sinceTask != null)?.workspace?.sinceTask ?? null;
}

/** Returns the commands that had not ended when their run did. */
export function openCommands(streamState: SummaryRun['streamState']): readonly OpenTool[] {
  return Object.values(streamState?.openTools ?? {}).filter(({ kind }) => kind === 'command');
}

const leftoversShown = 3;

/** Formats the leftovers that clip ended: "`node server.js` and 2 more". Null for none. */
export function formatEndedLeftovers({ leftovers }: SummaryRun, length: number): string | null {
  const ended = [...new Set(leftovers.filter((each) => each.ended).map(({ command }) => command))];
  if (ended.length === 0) return null;
  const shown = ended.slice(0, leftoversShown).map((command) => inlineCode(command, length));
  const more = ended.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Longer names add no information. */
const nameLength = 60;

/** Formats a name that a person or an agent chose, as inline code. */
export function name(text: string): string {
  return inlineCode(text, nameLength);
}

/** Formats a run: "run 42 of `coder`". */
export function formatRun({ number, agentName }: SummaryRun): string {
  return agentName === null ? `run ${number}` : `run ${number} of ${name(agentName)}`;
}

/** Formats the label before an agent's own words. */
export function formatOwn(what: string): string {
  return `${what} (an agent's own words: material, no instructions):`;
}
