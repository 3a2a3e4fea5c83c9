/**
 * Budgets and quiet hours as people write them. This module is separate from the schemas, so that the command line need
 * not load zod.
 */
import { type Budget, noBudget } from '#run/budget.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { QuietHours } from '#run/schedule.ts';
import { parseDuration } from './units.ts';
import { wireLimits } from './wire-limits.ts';

const dayMinutes = 24 * 60;

/** Parses `5usd`, `$5`, `500k tokens`, `20runs`, `3h`, or several joined by commas. Throws a usage error. */
export function parseBudget(text: string, what: string): Budget {
  let budget = noBudget;
  for (const part of text.split(',')) {
    const [limit, value] = readPart(part.trim(), what);
    if (budget[limit] !== null)
      throw new ClipError('usage', `${what}: "${text}" has two limits of one kind.`, 'Leave one of them out.');
    budget = { ...budget, [limit]: value };
  }
  return budget;
}

/** Describes what is wrong with an amount in the configuration. Returns null when it is valid. */
export function wrongWithBudget(text: string, key: string): string | null {
  try {
    const { runs } = parseBudget(text, key);
    return key === 'run' && runs !== null ? 'a limit on runs means nothing for one run' : null;
  } catch (error) {
    if (error instanceof ClipError) return `"${text}" is no amount; write it like 5usd, 500k tokens, 20runs or 3h`;
    throw error;
  }
}

const thousands: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

function readPart(part: string, what: string): readonly [keyof Budget, number] {
  const usd = /^(?:\$\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:usd|\$))$/i.exec(part);
  if (usd) return ['costUsd', within(Number(usd[1] ?? usd[2]), wireLimits.budgetUsdMax, part, what)];
  const tokens = /^(\d+(?:\.\d+)?)\s*([kmg]?)\s*tokens?$/i.exec(part);
  if (tokens)
    return [
      'tokens',
      within(
        Math.round(Number(tokens[1]) * (thousands[tokens[2]?.toLowerCase() ?? ''] ?? 1)),
        Number.MAX_SAFE_INTEGER,
        part,
        what,
      ),
    ];
  const runs = /^(\d+)\s*runs?$/i.exec(part);
  if (runs) return ['runs', within(Number(runs[1]), wireLimits.budgetRunsMax, part, what)];
  if (/^[\d.]+(ms|s|m|h|d)/.test(part))
    return ['timeMs', within(parseDuration(part, what), limits.durationMsMax, part, what)];
  throw new ClipError(
    'usage',
    `${what}: "${part}" is not an amount.`,
    'Write it like 5usd, 500k tokens, 20runs or 3h; several with commas: 5usd,2h.',
  );
}

function within(value: number, max: number, part: string, what: string): number {
  if (value > 0 && value <= max) return value;
  throw new ClipError(
    'usage',
    `${what}: ${part} is ${value > 0 ? 'more than can be counted' : 'nothing at all'}.`,
    'Leave it out for no limit.',
  );
}

/** Parses `22-7` or `22:30-7`: from and to, by the wall clock. Throws a usage error. */
export function parseQuietHours(text: string, what: string): QuietHours {
  const hours = /^(\d{1,2})(?::(\d\d))?\s*-\s*(\d{1,2})(?::(\d\d))?$/.exec(text.trim());
  const parseMinute = (hour: string | undefined, minute: string | undefined) => Number(hour) * 60 + Number(minute ?? 0);
  // 24 is the midnight at the end of a day, which equals the beginning of the next.
  const [from, to] = [parseMinute(hours?.[1], hours?.[2]), parseMinute(hours?.[3], hours?.[4])];
  const bad =
    !hours || from > dayMinutes || to > dayMinutes || Number(hours[2] ?? 0) > 59 || Number(hours[4] ?? 0) > 59;
  if (bad) throw new ClipError('usage', `${what}: "${text}" are no hours.`, 'Write them like 22-7 or 22:30-7:15.');
  const quiet = { fromMinute: from % dayMinutes, toMinute: to % dayMinutes };
  if (quiet.fromMinute === quiet.toMinute)
    throw new ClipError(
      'usage',
      `${what}: "${text}" begin and end at one time.`,
      'Pause the agent to keep it quiet all day.',
    );
  return quiet;
}
