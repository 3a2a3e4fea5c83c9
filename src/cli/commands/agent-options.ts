/** The options for an agent's budgets and timer, and how they are displayed. */
import type { Command } from 'commander';
import type { AgentView } from '#protocol/agents.ts';
import { parseBudget, parseQuietHours } from '#protocol/budget.ts';
import { type Budget, formatBudget, formatSpent } from '#run/budget.ts';
import { ClipError } from '#run/errors.ts';
import type { QuietHours } from '#run/schedule.ts';
import { cleanFact, type Fact } from '../format/facts.ts';
import { formatDuration, formatMoment } from '../format/format.ts';
import { duration } from './options.ts';

/** The word that clears a setting. */
export const cleared = 'none';
export type Cleared = typeof cleared;

/**
 * Parses an option unless it is the word that clears a setting. The word stays, because commander uses null for an
 * option without a value.
 */
export const orNone =
  <T>(read: (text: string) => T) =>
  (text: string): T | Cleared =>
    text === cleared ? cleared : read(text);

/** Returns the value of an option, with null for a cleared one. An option that was not given stays undefined. */
export function unlessCleared<T>(value: T | Cleared | undefined): T | null | undefined {
  return value === cleared ? null : (value as T | undefined);
}

export type LimitOptions = {
  every?: number | Cleared;
  force?: boolean;
  quietHours?: QuietHours | Cleared;
  timerPrompt?: string;
  budgetRun?: Budget | Cleared;
  budgetDay?: Budget | Cleared;
};

const minuteMs = 60_000;

const budget = (what: string) => (text: string) => parseBudget(text, what);

/** Adds the options for budgets and timer to a command. */
export function limitOptions(command: Command): Command {
  return command
    .option(
      '--budget-run <amount>',
      'what each of its runs may use: 5usd, 500k tokens, 2h, several with commas',
      orNone(budget('--budget-run')),
    )
    .option(
      '--budget-day <amount>',
      'what its runs may use in a day together; 20runs, too',
      orNone(budget('--budget-day')),
    )
    .option('--every <duration>', 'wake it so often: 30m, 2h', orNone(duration('--every')))
    .option('--force', 'also set a timer of less than a minute')
    .option(
      '--quiet-hours <hours>',
      'not at these: 22-7, 22:30-7:15',
      orNone((text) => parseQuietHours(text, '--quiet-hours')),
    )
    .option('--timer-prompt <text>', 'what it is asked then (default: only what waits for it)');
}

/** Returns the budgets and the timer as fields of a request. */
export function limitsIn({
  every,
  force,
  quietHours,
  timerPrompt,
  budgetRun,
  budgetDay,
}: LimitOptions): Record<string, unknown> {
  if (typeof every === 'number' && every < minuteMs && !force)
    throw new ClipError(
      'usage',
      `A timer of ${formatDuration(every)} starts a run of the agent that often.`,
      `If you mean minutes: --every ${Math.round(every / 1_000)}m. To set it as it is: --force`,
    );
  return {
    everyMs: unlessCleared(every),
    quietHours: unlessCleared(quietHours),
    timerPrompt: unlessCleared(timerPrompt),
    budgetRun: unlessCleared(budgetRun),
    budgetDay: unlessCleared(budgetDay),
  };
}

/** Formats the budgets and the timer of an agent, and what it has used today. */
export function limitFacts({
  everySec,
  nextTimerAt,
  quietHours,
  timerPrompt,
  budgetRun,
  budgetDay,
  budgetDoubt,
  today,
}: AgentView): Fact[] {
  const timer =
    everySec === null
      ? null
      : `every ${formatDuration(everySec * 1_000)}${quietHours === null ? '' : `, not at ${quietHours}`}`;
  return [
    ['timer', timer],
    ['next at', nextTimerAt === null ? null : formatMoment(nextTimerAt).slice(0, 19)],
    ['asks then', cleanFact(timerPrompt)],
    ['each run', budgetRun === null ? null : `may use ${formatBudget(budgetRun)}`],
    ['each day', budgetDay === null ? null : `may use ${formatBudget(budgetDay)}`],
    ['but', cleanFact(budgetDoubt)],
    ['today', today.runs === 0 ? null : formatSpent(today)],
  ];
}
