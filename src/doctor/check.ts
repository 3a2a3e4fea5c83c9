/** The result of checking one invariant, and the remedy when it does not hold. */
export type Check = {
  readonly name: string;
  readonly state: 'ok' | 'absent' | 'warning' | 'broken';
  readonly says: string;
  readonly todo: string | null;
};

/** Returns the result for an invariant that holds. */
export function ok(name: string, says: string): Check {
  return { name, state: 'ok', says, todo: null };
}
