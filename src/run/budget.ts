/** A limit on what may be used; null where there is none. */
export type Budget = {
  readonly costUsd: number | null;
  /** Input and output together; cached input is a part of input. */
  readonly tokens: number | null;
  readonly runs: number | null;
  readonly timeMs: number | null;
};
