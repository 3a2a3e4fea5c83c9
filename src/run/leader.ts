/** The leader of a run: the process that its command became, and how the other processes of the run are known. */

/** The identity of a process. A pid alone proves nothing, because pids are reused. */
export type ProcessIdentity = {
  readonly pid: number;
  /**
   * The start time in the unit of the operating system (Linux: clock ticks since boot). It is only compared for
   * equality or age.
   */
  readonly startTime: number;
  readonly bootId: string;
  /**
   * The pid namespace of the pid. In another namespace (e.g. a container), the pid is another process. Null or absent
   * where there is none.
   */
  readonly pidNamespace?: string | null;
};

/**
 * The leader of a run's process session. Its pid is also its group id and session id, because it was started in a
 * session of its own. The other fields identify the processes of the run. Runs of earlier releases have none of the
 * optional fields.
 */
export type Leader = ProcessIdentity & {
  readonly pgid: number;
  /** The control group that it was born in: a folder of cgroup v2. Null for a run without one. */
  readonly cgroup?: string | null;
  /** Whether its processes carry a number that the kernel keeps for them (process/kernel-mark.ts). */
  readonly kernelMark?: boolean;
  /**
   * Inodes of the logs that it was started with. A file with another inode was not written by it. `stderr` is null when
   * both streams go into one log.
   */
  readonly logs?: { readonly stdout: number; readonly stderr: number | null };
  /**
   * Its end in the unit of start times. Only an earlier process can be born into its session. Null while it lives, and
   * when its end was not observed.
   */
  readonly endTick?: number | null;
};

/**
 * How the processes of a run are identified. `cgroup`: by the kernel, whatever a process does. `mark`: by what they
 * inherited (a variable, a number, the session, the parents). `pid-namespace`: a run alone in a namespace, which no
 * keeper creates.
 */
export const containments = ['cgroup', 'pid-namespace', 'mark'] as const;
export type Containment = (typeof containments)[number];

/** Returns how the processes of this leader's run are identified. */
export function findContainment(leader: Leader): Containment {
  return leader.cgroup == null ? 'mark' : 'cgroup';
}

/** The environment variable that every process of a run carries. Its value is the run's id, never its number. */
export const markVariable = 'CLIP_RUN_ID';

/** Set in the environment of daemons and keepers, so that no scan ever takes one for a process of a run. */
export const roleVariable = 'CLIP_ROLE';
