/** Every bound in one place: unit in the name, reason beside it. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export const limits = {
  /** setTimeout fires at once beyond 2^31-1 ms, so longer waits are armed again in steps. */
  timerMsMax: 2 ** 31 - 1,
  /** Nothing supervised runs longer; a larger number is a typing mistake. */
  durationMsMax: 365 * day,
  /** Time a plain command has between SIGTERM and SIGKILL. */
  graceMsPlain: 15 * second,
  /** Time an agent has between SIGTERM and SIGKILL: agents save their session. */
  graceMsAgent: 20 * second,
  /** Time between an agent's polite signal and SIGTERM: codex and claude end their tools within 1.5 s. */
  politeMs: 3 * second,
  /** Time that processes left behind after the end have between SIGTERM and SIGKILL. */
  leftoverGraceMs: 2 * second,
  /** Time between two looks for processes that were told to end. */
  sweepPauseMs: 50,
  /** … and the longest, when they take their time. */
  sweepPauseMsMax: 500,
  /** Between rounds of SIGKILL at a leader that does not go, and after a failure on the way. */
  stopRetryMs: 1_000,
  /** A request for a process that no keeper has answered for so long is looked into. */
  startingMs: 30_000,
  /** Processes that outlive so many rounds of SIGKILL cannot be ended by us; they are listed as still there. */
  killsMax: 100,
  /** The heartbeat that looks at time limits, silence, output size and detached processes. */
  tickMs: 1 * second,
  /** An order this long after the end of a process was not given while its last words were being read. */
  lateOrderMsMax: hour,
  /** A heartbeat this late means that the machine slept; this early, that the clock was set back. */
  sleptMs: 5 * second,
  quietMs: 60 * second,
  stalledMs: 10 * minute,
  outputBytesMax: 10 * 2 ** 30,
  /** An HTTP agent that accepts no connection for so long is not there. Its answer has no limit but the run's own. */
  httpConnectMs: 30 * second,
  /** What a cancel may take: less than an agent's time between its polite signal and SIGTERM. */
  httpCancelMs: 2 * second,
  /** … and then the rest of its log, on its way to somebody who does not read. */
  httpFlushMs: 500,
  /** The pause before an HTTP agent is asked again how it gets on: the first … */
  httpPollMs: 1 * second,
  /** … the longest, when its answers do not say … */
  httpPollMsMax: 10 * second,
  /** … and the shortest and longest that its answers can ask for. */
  httpRetryAfterMsMin: 100,
  httpRetryAfterMsMax: day,
  httpRedirectsMax: 5,
  /** Read of an answer that refuses: its reason, not its web page. */
  httpReasonBytesMax: 64 * 2 ** 10,
  /** A peer that vanished without a word is noticed by TCP keep-alive, first asked after this. */
  httpKeepAliveMs: 60 * second,
  /** A hook that has not ended by then is ended. */
  hookMs: 30 * second,
  /** What happens within this time is told together, where it can be. */
  hookBurstMs: 500,
  /** Nobody is told anymore of what is older. */
  hookAgeMsMax: hour,
  hookPageEvents: 500,
  /** Runs may start runs, at most this deep: enough for an agent that starts an agent that runs a test. */
  depthMax: 3,
  bodyBytesMax: 2 ** 20,
  promptBytesMax: 16 * 2 ** 20,
  batchLineBytesMax: 2 ** 20,
  /** The first line of a batch holds the sender's whole environment. */
  batchHeaderBytesMax: 4 * 2 ** 20,
  /** Runs admitted in one transaction of a batch: one flush for many, and still a short turn of the loop. */
  batchChunkRuns: 256,
  commandArgs: 4_096,
  /** Linux: one argument may have at most 128 KiB (MAX_ARG_STRLEN), the final NUL included. */
  argumentBytesMax: 131_071,
  /** All arguments and the environment together; the kernel's own limit is a quarter of the stack limit, usually 2 MiB. */
  commandBytesMax: 1_500_000,
  nameLength: 100,
  keyLength: 200,
  labels: 32,
  labelLength: 200,
  locks: 16,
  lockLength: 1_024,
  priorityMax: 1_000_000,
  pageRuns: 20,
  pageRunsMax: 1_000,
  pageTasks: 50,
  /** Rows of a ledger, as in the reference: more are a question of --limit. */
  ledgerRuns: 8,
  /** Runs without a verdict that are judged in one turn of the loop. */
  backfillRuns: 20,
  titleLength: 300,
  descriptionLength: 100_000,
  commentLength: 20_000,
  blockedReasonLength: 2_000,
  documentLength: 500_000,
  /** Of a task's history, what is shown at once. */
  activityShown: 100,
  /** Tasks that want a person, listed at once: who has more of them does not need a longer list. */
  needsShown: 50,
  /** How long a lost run that nobody has looked after is spoken of. */
  lostShownMs: day,
  /** Of a section of the dashboard, what is shown at once. */
  boardRuns: 50,
  /** Between two lines to a dashboard: four a second are as many as an eye can follow. */
  boardPauseMs: 250,
  /** CPU and memory of the living are measured so often while somebody looks. */
  sampleMs: 2 * second,
  /** With nothing running, what only the clock changes is looked at so often. */
  boardIdleMs: 15 * second,
  hiddenCountMax: 1_000,
  eventsShown: 1_000,
  waitRunsMax: 10_000,
  /** A wait names its runs in the request line: room for the most of them. */
  headerBytesMax: 256 * 2 ** 10,
  /** Below this much free space, or so few new files, the disk of the home counts as full … */
  freeBytesMin: 4 * 2 ** 20,
  freeFilesMin: 64,
  /** … and with so much it does not any more: enough for the reserve and some runs. */
  freeBytesAgain: 12 * 2 ** 20,
  roomLookMs: 1 * second,
  /** A copy before an upgrade takes some seconds for each gigabyte, and whoever starts the daemon waits for it. */
  copyBytesMax: 2 ** 30,
  connectionsMax: 256,
  /** … and for a moment so many: whoever has just connected is heard before it is dropped. */
  connectionsBurstMax: 768,
  idleGraceMs: second,
  /** Answers that go on: followers and waiters. Requests find room beside them. */
  streamsMax: 256,
  /** All bodies that arrive at one time, the small ones (up to the limit of a body) and the large ones (prompts) each. */
  bodiesBytesMax: 64 * 2 ** 20,
  /** A body that has taken so long makes room when others wait. */
  bodyStalledMs: 2 * second,
  /** A client that takes nothing for this long is dropped. */
  slowClientMs: 10 * second,
  keeperLineBytesMax: 4 * 2 ** 20,
  /** started.json and exit.json: an error in them may name a whole command. */
  recordBytesMax: 2 ** 20,
  /** What belongs to a run and was written by clip, or is read for it: the largest is a prompt, written with escapes. */
  runFileBytesMax: 64 * 2 ** 20,
  /** Files that a person keeps for an agent: its variables, the template of its prompts. */
  agentFileBytesMax: 2 ** 20,
  errorLength: 500,
  /** One line of an agent's stream; measured: a megabyte of answer is one line. */
  streamLineBytesMax: 8 * 2 ** 20,
  /** Read from a log at a time, and at most between two commits. */
  tailChunkBytes: 64 * 2 ** 10,
  tailBatchBytes: 4 * 2 ** 20,
  /** How long an agent that has said its last word may stay without saying or doing anything. */
  lingerMs: 30 * second,
  /** A report is a few sentences; what is longer belongs into a document. */
  reportTextLength: 2_000,
  reportIdLength: 100,
  /** An agent that reports more than this is in a loop. */
  reportsPerRun: 200,
  /** Bounds of what is kept of a stream: enough for a verdict and a summary, small enough to be written each second. */
  accountTextLength: 16_000,
  accountCommandLength: 300,
  accountCommands: 40,
  accountFiles: 200,
  accountPathLength: 500,
  accountPathsPerTool: 10,
  accountOpenTools: 32,
  accountDeniedTools: 10,
  /** Longer than any id of a session that was seen (36 characters), with room for those of HTTP agents. */
  sessionIdLength: 4_096,
  /** Git gets so long for one answer, and may say so much. */
  gitMs: 10 * second,
  gitBytesMax: 16 * 2 ** 20,
  /** Uncommitted entries that are compared one by one. */
  workspaceFiles: 5_000,
  /** The lines of a new file are counted up to this size: what is larger was hardly written by hand. */
  workspaceFileBytesMax: 2 ** 20,
  /** A folder without git is looked through for so long: a run must not wait for the look at somebody's home. */
  folderScanMs: 1 * second,
  /** Of a task, what its summary is made from: older runs are in the ledger. */
  summaryRuns: 10,
  summaryComments: 30,
  /** Between looks at tasks that were left where they stood. */
  taskLookMs: minute,
  /** Between looks at the logs of ended runs. */
  archiveLookMs: minute,
  /** … and at those that only time makes too old. */
  retainLookMs: hour,
  /** Looked after in one transaction, and shown in one page. */
  archiveRuns: 100,
  /** A smaller log takes a block of the disk either way. */
  compressBytesMin: 4_096,
  /** How often a summary is tried to be written before the run is dealt with without it. */
  summaryTriesMax: 3,
  /** What persons said since the last run, told to the next. */
  briefComments: 20,
  agentArgs: 100,
  /** A mapping goes along with every run of its agent. */
  mappingBytesMax: 64 * 2 ** 10,
  /** A check asks the model one short question; a first start took up to 40 s. */
  agentCheckMs: 180_000,
  /** How often the end of one run is tried to be read before it is recorded without its stream. */
  concludeTriesMax: 5,
  agentConcurrencyMax: 1_000,
  /** A larger budget is a typing mistake. */
  budgetUsdMax: 1_000_000,
  budgetRunsMax: 1_000_000,
  /** How often a day that keeps runs waiting is looked at, whether it is over. */
  dayLookMs: minute,
  /** A timer that is due while its agent still works is not due twice, so a short one only means: again and again. */
  timerEveryMsMin: second,
  timerPromptLength: 16_000,
  /** A first start reads 300 MB from a cold disk: up to 40 s were measured. */
  agentVersionMs: 60_000,
} as const;
