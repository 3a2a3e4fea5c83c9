/** The result of checking one invariant, and the remedy when it does not hold. */
export type Check = {
  readonly name: string;
  readonly state: 'ok' | 'absent' | 'warning' | 'broken';
  readonly says: string;
  readonly todo: string | null;
};
