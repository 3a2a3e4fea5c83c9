/** What was found of one invariant, and what to do where it does not hold. */
export type Check = { readonly name: string; readonly state: 'ok' | 'absent' | 'warning' | 'broken'; readonly says: string; readonly todo: string | null };
