/** Limits of the fields of requests, each with its unit in the name. */
export const wireLimits = {
  commandArgs: 4_096,
  /** The length of the submitter's resource limits: some twenty numbers with their names. */
  submitterLength: 4_000,
  labels: 32,
  labelLength: 200,
  locks: 16,
  lockLength: 1_024,
  priorityMax: 1_000_000,
  pageRuns: 20,
  titleLength: 300,
  descriptionLength: 100_000,
  commentLength: 20_000,
  blockedReasonLength: 2_000,
  agentArgs: 100,
  agentConcurrencyMax: 1_000,
  /** The largest budget. A larger one is a typing mistake. */
  budgetUsdMax: 1_000_000,
  budgetRunsMax: 1_000_000,
  /**
   * The shortest timer. A timer that is due while its agent still works fires only once, so a short one means:
   * continuously.
   */
  timerEveryMsMin: 1_000,
  timerPromptLength: 16_000,
} as const;
