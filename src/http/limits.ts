/** Limits of the requests to an agent behind HTTP, each with its unit in the name. */

const second = 1_000;

export const httpLimits = {
  /** The time to connect to an HTTP agent. Its answer has no limit but the run's own. */
  connectMs: 30 * second,
  /** The time for a cancel request. It is less than an agent's time between its polite signal and SIGTERM. */
  cancelMs: 2 * second,
  /** The time to flush the rest of the log to a consumer that does not read. */
  flushMs: 500,
  /** The first pause before the state of an HTTP agent's job is requested again. */
  pollMs: 1 * second,
  /** The longest pause, unless an answer asks for another. */
  pollMsMax: 10 * second,
  /** The shortest and the longest pause that an answer can ask for. */
  retryAfterMsMin: 100,
  retryAfterMsMax: 24 * 3_600 * second,
  redirectsMax: 5,
  /** The part of an error response that is read for its reason. */
  reasonBytesMax: 64 * 2 ** 10,
  /** The idle time after which TCP keep-alive probes a peer, so that a vanished one is noticed. */
  keepAliveMs: 60 * second,
} as const;
