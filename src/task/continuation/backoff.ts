/** How long a task waits for a provider that refuses without naming a time. */

const minuteMs = 60_000;

/**
 * The number of attempts in a row, half an hour apart at the end. A task survives a night without the provider; a week
 * needs a person.
 */
export const backOffTriesMax = 16;

/** Returns the delay. `before`: the number of earlier retries. */
export function backOffMs(before: number): number {
  return ([1, 5, 30][Math.min(before, 2)] as number) * minuteMs;
}
