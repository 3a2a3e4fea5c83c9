/** A process, independent of the operating system. */

export type ProcessRow = {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly startTime: number;
  readonly command: string;
  /** Id of the run whose mark it carries; null if there is none, or its environment was not read. */
  readonly mark: string | null;
  /** A daemon or keeper of any clip home, which is never part of a run. */
  readonly ours: boolean;
  /** A process of this user that hides its environment, so it may carry a mark. */
  readonly hidden: boolean;
  /** Id of the run whose control group it is in, as far as a look that only shows has read it. */
  readonly group?: string | null;
};

export type ProcessTable = {
  readonly rows: readonly ProcessRow[];
  /** Whether the system shows the environments of this user's processes at all. */
  readonly showsEnvironments: boolean;
  readonly processes: number;
  /** Number of young processes that ended between listing and examination. */
  readonly vanished: number;
};
/** What the environment of a process says. */
export type Environment = { readonly mark: string | null; readonly isOurs: boolean; readonly hidden: boolean };

/** Environments of processes by pid, each with the start time of its process and the run whose control group it is in. */
export type KnownEnvironments = Map<
  number,
  Environment & { readonly startTime: number; readonly group: string | null }
>;

export type Query = {
  readonly bornAfter: number;
  readonly except: ReadonlySet<number>;
  /** Only the mark identifies members, so processes without one need no closer look. */
  readonly marksOnly: boolean;
  /**
   * Environments from earlier looks, for a look that only shows what runs use. Those of processes that are some seconds
   * old are not read again, and processes that have just gone are not looked for. Absent for every look that counts.
   */
  readonly known?: KnownEnvironments | undefined;
  /**
   * Called with each row as soon as it is read, because a process that keeps forking is gone when the table is
   * complete.
   */
  readonly onRow?: (row: ProcessRow) => void;
};
