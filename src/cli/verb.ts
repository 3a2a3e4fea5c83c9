/** What a verb of the command tree is. */
import type { Context } from './context.ts';

/** A verb's work: gets its context, gives its exit code. */
export type Work = (context: Context) => Promise<number>;
export type Verb = {
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** Ends with a run's code, so its own failures need another. */
  readonly waits?: boolean;
};
/** Registers the work that a parsed command has chosen. */
export type Choose = (verb: Verb, work: Work) => void;
