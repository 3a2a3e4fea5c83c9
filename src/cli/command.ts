/** The types of a command in the command tree. */
import type { Context } from './context.ts';

/** The work of a command: gets its context and returns its exit code. */
export type Handler = (context: Context) => Promise<number>;
export type CommandOptions = {
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** Whether the command ends with a run's exit code. Its own failures then need a different code. */
  readonly waits?: boolean;
};
/** Registers the work of the parsed command. */
export type Register = (verb: CommandOptions, work: Handler) => void;
