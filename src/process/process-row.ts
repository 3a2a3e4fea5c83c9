/** A process as clip looks at it, whatever the operating system. */

export type ProcessRow = {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly startTime: number;
  readonly command: string;
  /** Id of the run whose mark it carries; null for none, or when its environment could not be read. */
  readonly mark: string | null;
  /** A daemon or keeper of clip, of whatever home: never part of a run. */
  readonly ours: boolean;
};

export type ProcessTable = { readonly rows: readonly ProcessRow[]; readonly everythingReadable: boolean; readonly processes: number };
export type Query = {
  readonly bornAfter: number;
  readonly except: ReadonlySet<number>;
  /** Only the mark can tell: processes without one need not be looked at any closer. */
  readonly marksOnly: boolean;
};
