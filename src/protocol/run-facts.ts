import type { StreamDigest } from '#run/stream-digest.ts';

/** Facts that are not in the run itself. Null where unknown. */
export type RunFacts = {
  readonly folder: string;
  /** What it is about: the first line of what was asked, or the title of its task. Null for a plain command. */
  readonly title: string | null;
  readonly output: {
    readonly stdoutBytes: number | null;
    readonly stderrBytes: number | null;
    readonly lastOutputAt: number | null;
  } | null;
  /** The form of its logs after archiving. */
  readonly archive: {
    readonly stdoutForm: string;
    readonly stderrForm: string;
    readonly removedAt: number | null;
  } | null;
  readonly waitingFor: string | null;
  readonly sample: { readonly cpuPercent: number | null; readonly memoryBytes: number | null } | null;
  /** The digest of its stream. */
  readonly digest: StreamDigest | null;
  readonly retriedBy: number | null;
  /** The numbers of the runs that this one repeats and in which it was started. */
  readonly retryOf: number | null;
  readonly parentRun: number | null;
  /** Whether no keeper holds it and its processes are not visible from here. */
  readonly unseen: boolean;
  /** What the run left with its task. Null without a task. */
  readonly left: { readonly comments: number; readonly documents: number } | null;
  /** The number of its reports. */
  readonly reports: number;
  readonly at: number;
};
