/**
 * Waits until a condition holds, for at most `ms`. Returns the result of the condition. Tests wait with this function
 * only.
 */
export async function until<T>(what: string, condition: () => T | Promise<T>, ms = 30_000): Promise<NonNullable<T>> {
  let last: unknown = null;
  for (const end = Date.now() + ms; Date.now() < end; ) {
    try {
      const value = await condition();
      if (value) return value as NonNullable<T>;
      last = value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(
    `It did not happen within ${ms} ms: ${what}. Last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
  );
}
