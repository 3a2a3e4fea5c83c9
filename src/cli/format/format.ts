/** Formats times, sizes, statuses and ends of runs. */
import type { RunView } from '#protocol/answers.ts';
import type { QueueState } from '#protocol/queue.ts';
import { sizeText } from '#run/format-bytes.ts';
import { type Colour, paint, type TextStyle } from '../terminal/style.ts';

const looks: Readonly<Record<RunView['status'], readonly [glyph: string, colour: Colour]>> = {
  queued: ['◦', 'cyan'],
  starting: ['◔', 'cyan'],
  running: ['●', 'cyan'],
  stopping: ['◌', 'yellow'],
  succeeded: ['✓', 'green'],
  failed: ['✗', 'red'],
  cancelled: ['⊘', 'gray'],
  timed_out: ['⧖', 'red'],
};

/** Verdicts on runs that succeeded without doing their work. Their status alone would look like a success. */
const unfinished = new Set<RunView['livenessState']>(['plan_only', 'empty_response', 'needs_followup', 'blocked']);

/** Formats a status with its glyph. A success without the work done looks different. */
export function formatStatus(run: Pick<RunView, 'status' | 'livenessState'>, look: TextStyle): string {
  const isUnfinished = run.status === 'succeeded' && unfinished.has(run.livenessState);
  const [glyph, colour] = isUnfinished ? (['◐', 'yellow'] as const) : looks[run.status];
  return paint(`${glyph} ${run.status}`, colour, look);
}

/** Formats `retrying, attempt 3 of 10`: the agent itself tries again. */
export function formatRetrying({ retrying }: Pick<RunView, 'retrying'>): string {
  if (retrying === null) return '';
  return retrying.attempt === null ? 'retrying' : `retrying, attempt ${formatPart(retrying.attempt, retrying.of)}`;
}

/** Formats `12.3k in (9k cached), 410 out, $0.0984`, or `at least …` when the usage is a lower bound. */
export function formatUsage(
  usage: Omit<NonNullable<RunView['usage']>, 'partial'> & { readonly partial?: boolean },
  live = false,
): string {
  const words = formatCount(usage);
  return usage.partial ? (live ? `${words} so far` : `at least ${words}`) : words;
}

/** Formats the usage of a run. Returns null for a plain command, and for a run that never started. */
export function formatUsed(run: Pick<RunView, 'usage' | 'agentName' | 'startedAt' | 'endedAt'>): string | null {
  if (run.usage !== null) return formatUsage(run.usage, run.endedAt === null);
  return run.agentName === null || run.startedAt === null || run.endedAt === null
    ? null
    : 'unknown: it told no tokens and no cost';
}

function formatCount(usage: Omit<NonNullable<RunView['usage']>, 'partial'>): string {
  const count = (tokens: number | null) => (tokens === null ? '–' : formatTokens(tokens));
  const cached = usage.cachedInputTokens ? ` (${count(usage.cachedInputTokens)} cached)` : '';
  const cost = usage.costUsd === null ? '' : `, ${formatDollars(usage.costUsd)}`;
  return `${count(usage.inputTokens)} in${cached}, ${count(usage.outputTokens)} out${cost}`;
}

/** Formats a duration: 850 ms, 12.3 s, 4 min 5 s, 3 h 2 min, 5 d 1 h. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  // The value is truncated, so that it never reads 60.0 s.
  if (seconds < 60) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joinUnits(minutes, 'min', Math.floor(seconds % 60), 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return joinUnits(hours, 'h', minutes % 60, 'min');
  return joinUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** Formats `2 min 5 s`, or `2 min` when nothing is left of the smaller unit. */
function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Formats a time as the clock of this machine shows it: `2026-11-22 13:00:00.000`. JSON has UTC instead. */
export function formatMoment(at: string): string {
  const time = new Date(at);
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
  const day = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((value) => pad(value)).join(':');
  return `${day} ${clock}.${pad(time.getMilliseconds(), 3)}`;
}

/** Formats the time since then in the largest whole unit: `12 s ago`, `22 min ago`, `3 d ago`. */
export function formatAgo(at: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(at)) / 1_000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 48 * 3_600 ? `${Math.floor(seconds / 3_600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}

/** Formats a size, or – when it is not known. */
export function formatSize(bytes: number | null): string {
  return bytes === null ? '–' : sizeText(bytes);
}

/** Formats a command as it would be typed: `a b 'c d'`. */
export function formatCommand(command: readonly string[]): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** Formats what a run is about: the words of the person who asked, or the command line. */
export function formatSubject({ title, command }: Pick<RunView, 'title' | 'command'>): string {
  return title ?? formatCommand(command);
}

/** Formats the end of a run in a few words: `exit 7`, `SIGKILL`, `lost`, `timeout`. */
export function formatEnd(run: RunView): string {
  if (run.endedAt === null) return run.errorCode === 'process_detached' ? 'detached' : formatRetrying(run);
  if (
    run.stopReason !== null &&
    run.stopReason !== run.status &&
    !['completed', 'exit_nonzero', 'signalled', 'adapter_failed'].includes(run.stopReason)
  ) {
    return run.stopReason === 'not_started' ? (run.errorCode ?? 'not_started') : run.stopReason;
  }
  // The verdict says more than exit code 0.
  if (run.status === 'succeeded' && run.livenessState !== null) return run.livenessState;
  // An agent's own reason says more than its exit code, which is 0 for some failures.
  const tells = run.errorCode !== 'adapter_failed' || run.exitCode === 0;
  if (run.agentName !== null && run.errorCode !== null && run.errorCode !== run.status && tells) return run.errorCode;
  if (run.startedAt === null) return 'not started';
  return run.signal ?? (run.exitCode === null ? 'exit not seen' : `exit ${run.exitCode}`);
}

/** Returns whether the end was only found later. `endedAt` is then the time at which it was found. */
export function isEndUnseen({ endedAt, exitKnown }: Pick<RunView, 'endedAt' | 'exitKnown'>): boolean {
  return endedAt !== null && exitKnown === false;
}

/** Formats the time from start to end, or until now. Returns – for a run that has not started. */
export function formatElapsed(run: RunView, now: number): string {
  if (run.startedAt === null) return '–';
  const ms = (run.endedAt === null ? now : Date.parse(run.endedAt)) - Date.parse(run.startedAt);
  // The clock was set back in between.
  if (ms < 0) return '–';
  return isEndUnseen(run) ? `at most ${formatDuration(ms)}` : formatDuration(ms);
}

/** Formats a count with its noun: `1 run`, `2 runs`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Formats `9999`, `120k`. */
export function formatTokens(count: number): string {
  return count < 10_000 ? String(count) : `${Math.round(count / 1_000)}k`;
}

/** Formats `$0.0984`, `$12.50`. */
export function formatDollars(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

/** Formats `3 of 10`, or `3` when the whole is not known. */
export function formatPart(part: number, whole: number | null): string {
  return whole === null ? String(part) : `${part} of ${whole}`;
}

/** Formats how many slots are taken: `1 of 4 commands, 2 of 8 agents`. */
export function formatSlots({ slots, taken, agentSlots, agentsTaken }: QueueState): string {
  return `${taken} of ${slots} commands, ${agentsTaken} of ${agentSlots} agents`;
}
