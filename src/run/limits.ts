/**
 * Limits that the daemon and several rooms use, each with its unit in the name and its reason beside it. A limit that
 * only one module of another room uses stands in that module, those of requests in protocol/wire-limits.ts.
 */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export const limits = {
  /** The longest delay of setTimeout. It fires at once beyond 2^31-1 ms, so longer waits are armed in steps. */
  timerMsMax: 2 ** 31 - 1,
  /** The longest duration of a run. A larger number is a typing mistake. */
  durationMsMax: 365 * day,
  /** The time between SIGTERM and SIGKILL for a plain command. */
  graceMsPlain: 15 * second,
  /** The time between SIGTERM and SIGKILL for an agent. Agents save their session. */
  graceMsAgent: 20 * second,
  /** The time between SIGTERM and SIGKILL for leftovers. */
  leftoverGraceMs: 2 * second,
  /** The shortest pause between two scans for processes that were told to end. */
  sweepPauseMs: 50,
  /** The longest pause between two such scans. */
  sweepPauseMsMax: 500,
  /** The pause between rounds of SIGKILL at a leader that does not end, and after a failed attempt. */
  stopRetryMs: 1_000,
  /** The time after which an unanswered start request to a keeper is investigated. */
  startingMs: 30_000,
  /** How long a killed process is watched before it is reported as alive. */
  leftoverGoneMs: 1 * second,
  /**
   * On a busy machine, processes can vanish during a scan. This many scans in a row wait for one without such a doubt.
   */
  doubtfulPassesMax: 8,
  /** Rounds of SIGKILL at leftovers. Processes that survive them cannot be ended and are listed as alive. */
  killsMax: 100,
  /** The heartbeat that checks time limits, silence, output size and detached processes. */
  tickMs: 1 * second,
  /** The heartbeat while all live runs are plain commands far from their limits. */
  quietTickMs: 5 * second,
  /** A heartbeat this late means that the machine slept. A heartbeat this early means that the clock was set back. */
  sleptMs: 5 * second,
  quietMs: 60 * second,
  outputBytesMax: 10 * 2 ** 30,
  /** The time limit of a hook. */
  hookMs: 30 * second,
  /** Events within this time are combined into one notification where possible. */
  hookBurstMs: 500,
  /** The age beyond which an event is no longer notified. */
  hookAgeMsMax: hour,
  hookPageEvents: 500,
  /** The nesting of runs in runs. It is enough for an agent that starts an agent that runs a test. */
  depthMax: 3,
  bodyBytesMax: 2 ** 20,
  promptBytesMax: 16 * 2 ** 20,
  batchLineBytesMax: 2 ** 20,
  /** The first line of a batch. It holds the sender's whole environment. */
  batchHeaderBytesMax: 4 * 2 ** 20,
  /**
   * Runs admitted in one transaction of a batch. One flush serves many runs, and the event loop is blocked only
   * briefly.
   */
  batchChunkRuns: 256,
  /** The size of one argument. Linux allows 128 KiB (MAX_ARG_STRLEN) including the final NUL. */
  argumentBytesMax: 131_071,
  /**
   * All arguments and the environment together. The kernel's own limit is a quarter of the stack limit, usually 2 MiB.
   */
  commandBytesMax: 1_500_000,
  /** The length of names that people or agents choose. */
  nameLength: 100,
  /** Queued runs, and runs that have ended since the last look, in `clip status`. */
  queuedShown: 10,
  endedShown: 10,
  /** Characters of the line that says what an agent's run is about. */
  titleLength: 120,
  /** Bytes of a prompt that `clip show` gives. */
  promptShownBytes: 256 * 2 ** 10,
  keyLength: 200,
  pageRunsMax: 1_000,
  pageTasks: 50,
  /** Rows of a ledger, as in the reference. `--limit` shows more. */
  ledgerRuns: 8,
  /** Tasks, agents and days with sums of their own in the totals of a ledger: those with the newest ends. */
  ledgerGroups: 50,
  ledgerDays: 31,
  /** Runs without a verdict that get one in a single iteration of the event loop. */
  backfillRuns: 20,
  documentLength: 500_000,
  /** Entries of a task's history that are shown at once. */
  activityShown: 100,
  /** Tasks that need a person, listed at once. A longer list would not help. */
  needsShown: 50,
  /** How long a lost run is listed that was not acknowledged. */
  lostShownMs: day,
  /** Rows of one section of the dashboard. */
  boardRuns: 50,
  /** The pause between two updates of a dashboard. Four per second are as many as an eye can follow. */
  boardPauseMs: 250,
  /** The interval at which CPU and memory of live runs are measured while a dashboard is open. */
  sampleMs: 2 * second,
  /** The interval at which time-dependent values are checked while nothing runs. */
  boardIdleMs: 15 * second,
  hiddenCountMax: 1_000,
  eventsShown: 1_000,
  waitRunsMax: 10_000,
  /**
   * The size of request headers. A wait names its runs in the request line, and this holds the largest number of them.
   */
  headerBytesMax: 256 * 2 ** 10,
  /** The disk of the home counts as full below this many free bytes or free inodes. */
  freeBytesMin: 4 * 2 ** 20,
  freeFilesMin: 64,
  /** The free space at which the disk no longer counts as full. It is enough for the reserve and some runs. */
  freeBytesAgain: 12 * 2 ** 20,
  diskLookMs: 1 * second,
  /** The same while the disk has plenty of space. */
  emptyDiskLookMs: 10 * second,
  /** Programs write no faster than this to a file: 2 GiB per second. */
  writtenBytesPerMsMax: (2 * 2 ** 30) / 1_000,
  /** Programs create no more files than this: 500,000 per second. */
  createdFilesPerMsMax: 500,
  /** How long a batch waits for a database that another program has locked, and the pause between two attempts. */
  lockedMsMax: 15 * second,
  lockedPauseMs: 200,
  /**
   * The size of a database up to which it is copied before an upgrade. A copy takes some seconds per gigabyte and
   * delays the start.
   */
  copyBytesMax: 2 ** 30,
  connectionsMax: 256,
  /**
   * The number of connections that may exist for a moment, so that a new connection can send a request before it is
   * dropped.
   */
  connectionsBurstMax: 768,
  idleGraceMs: second,
  /** Long-lived responses: followers and waiters. Further requests are still served. */
  streamsMax: 256,
  /**
   * All request bodies that arrive at one time. Small bodies (up to `bodyBytesMax`) and large ones (prompts) have this
   * much each.
   */
  bodiesBytesMax: 64 * 2 ** 20,
  /** A body that has not arrived within this time is dropped when others wait. */
  bodyStalledMs: 2 * second,
  /** A client that reads nothing for this long is dropped. */
  slowClientMs: 10 * second,
  keeperLineBytesMax: 4 * 2 ** 20,
  /** The interval at which a keeper is pinged while runs are live. */
  keeperPingMs: 2 * second,
  /** A keeper that has not answered for this long is suspended or hangs. It gets no more runs. */
  keeperSilentMs: 10 * second,
  /** How long the start waits for the greeting of keepers. A later greeting is still accepted. */
  keeperGreetingMs: 5 * second,
  /** How long a keeper of a run's own kind is awaited before the run is given to another one. */
  keeperWantedMs: 3 * second,
  /** Keepers of this version at one time. Each takes some 60 MB. */
  keepersMax: 4,
  /**
   * The time in which a keeper must confirm that it has not started a cancelled run. After that the run is taken from
   * it.
   */
  withdrawMs: 2 * second,
  /** The size of a file that clip writes for a run or reads for it. The largest is a prompt, written with escapes. */
  runFileBytesMax: 64 * 2 ** 20,
  /** The size of a file that a person keeps for an agent: its variables, or the template of its prompts. */
  agentFileBytesMax: 2 ** 20,
  errorLength: 500,
  /** One line of an agent's stream. A megabyte of answer in one line was measured. */
  streamLineBytesMax: 8 * 2 ** 20,
  /** The bytes that are read from a log at a time, and at most between two commits. */
  tailChunkBytes: 64 * 2 ** 10,
  tailBatchBytes: 4 * 2 ** 20,
  /** How long an agent may stay idle after its final result. */
  lingerMs: 30 * second,
  /** The length of a report. Longer texts belong in a document. */
  reportTextLength: 2_000,
  reportIdLength: 100,
  /** The number of reports per run. An agent that sends more is in a loop. */
  reportsPerRun: 200,
  /** Bounds of a stored stream state: enough for a verdict and a summary, small enough to be written each second. */
  accountTextLength: 16_000,
  accountCommandLength: 300,
  accountCommands: 40,
  /** The end of what a failed command printed, kept for the last few of them. */
  accountOutputLength: 600,
  accountOutputs: 4,
  accountFiles: 200,
  accountPathLength: 500,
  accountPathsPerTool: 10,
  accountOpenTools: 32,
  accountDeniedTools: 10,
  /**
   * Model calls that are tracked one by one, so that a call that is reported twice counts once. Sub-agents may work in
   * parallel.
   */
  accountCalls: 64,
  /**
   * More tokens than all runs of a busy year use: ten million calls with a context of 100,000 tokens. A larger count is
   * an error of the stream.
   */
  tokensMax: 1e12,
  /** More than the cost of any run. A larger cost is an error of the stream, for example a different unit. */
  costUsdMax: 100_000,
  /**
   * Limits of providers reset within a month. A time farther away, in either direction, is invalid or has a different
   * unit.
   */
  resetMsMax: 32 * day,
  /**
   * The clock difference between provider and machine. A run that starts at the exact reset time may be refused again.
   */
  resetSlackMs: 5 * second,
  /** The part of standard error, from its end, that is searched for the reason of a failure. */
  stderrEndBytes: 64 * 2 ** 10,
  /** The part of a session file that is read of its content before the run. Its last total is near the end. */
  sessionFileTailBytes: 4 * 2 ** 20,
  /**
   * The part of a session file's new content that is read at the end of a run. A resumed session of another CLI is read
   * from its beginning.
   */
  sessionFileEndBytes: 64 * 2 ** 20,
  /**
   * The interval at which the usage of a run with a token or cost limit is checked. A model call takes longer than
   * this.
   */
  usageTickMs: 250,
  /** Longer than any session id observed so far (36 characters), with room for those of HTTP agents. */
  sessionIdLength: 4_096,
  /** The time and the output of one git command. */
  gitMs: 10 * second,
  gitBytesMax: 16 * 2 ** 20,
  /** Entries of a work folder that are compared one by one. */
  workspaceFiles: 5_000,
  /** The bytes of file contents that are read in one snapshot. The start of a run does not wait longer. */
  workspaceBytesMax: 256 * 2 ** 20,
  /** The time for one snapshot. A snapshot that takes longer is blocked by a file system that has gone. */
  workspaceLookMs: 25 * second,
  /**
   * A file that was changed less than this before it was read may change again without a new time. File systems count
   * in steps of up to 2 s.
   */
  workspaceSettledMs: 2 * second,
  /** Content ids that are kept for the next snapshot, over all folders: some 4 MiB. */
  workspaceContentsKept: 20_000,
  /** Submodules and nested repositories that are examined. */
  workspaceRepositories: 20,
  /** Changed files that are stored by name. */
  workspaceNames: 20,
  workspaceNameLength: 500,
  /**
   * Other runs and tasks that are checked for work in the same tree. With more of them, some are assumed to work there.
   */
  companyRuns: 500,
  companyTasks: 2_000,
  /** The newest runs of a streak whose workspace states are remembered. */
  workspaceStreakRuns: 100,
  /** The size of a stored workspace state. A larger one is not stored, because reading it would block the daemon. */
  workspaceStateBytesMax: 2 ** 20,
  /** The time for scanning a folder without git. A run must not wait for the scan of a whole home folder. */
  folderScanMs: 1 * second,
  /** Runs and comments of a task that its summary is made from. The ledger has older runs. */
  summaryRuns: 10,
  summaryComments: 30,
  /** The interval at which stranded tasks are checked. */
  taskLookMs: minute,
  /** The interval at which logs of ended runs are checked. */
  archiveLookMs: minute,
  /** The interval at which logs are checked that only their age makes removable. */
  retainLookMs: hour,
  /** Runs that are processed in one transaction, or read in one page. */
  archiveRuns: 100,
  /** A smaller log is not compressed. It takes one block of the disk either way. */
  compressBytesMin: 4_096,
  /** Attempts to write a summary before the run is finalized without it. */
  summaryTriesMax: 3,
  /** Comments since the last run that the next prompt quotes. */
  briefComments: 20,
  /** The size of a mapping. It is part of every run of its agent. */
  mappingBytesMax: 64 * 2 ** 10,
  /** The time for a check, which asks the model one short question. A first start took up to 40 s. */
  agentCheckMs: 180_000,
  /**
   * How long reading the stream of an ended run is retried, once a second. After that the run is recorded as one whose
   * stream cannot be read. A shortage of file descriptors or a locked database passes, and the run keeps its slot
   * meanwhile.
   */
  concludeMs: 2 * minute,
  /** The interval at which the end of a day is checked when a daily budget keeps runs waiting. */
  dayLookMs: minute,
  /**
   * The time for reading the version of an agent's CLI. A first start reads 300 MB from a cold disk, which took up to
   * 40 s.
   */
  agentVersionMs: 60_000,
} as const;
