/** How long a task waits for a provider that refuses, when the provider does not say. */

const minuteMs = 60_000;

/** As often in a row, half an hour apart at last: a night without the provider is got over, a week is a person's business. */
export const backOffTriesMax = 16;

/** `before`: how often it was tried again already. */
export function backOffMs(before: number): number {
  return ([1, 5, 30][Math.min(before, 2)] as number) * minuteMs;
}
