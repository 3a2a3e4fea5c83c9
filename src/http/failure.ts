/** Failures of an HTTP agent, printed as one line of JSON that the adapter reads. */

export type FailureCode =
  /** The command line or the environment is invalid. */
  | 'usage'
  /** There was no answer. */
  | 'unreachable'
  /** The answer ended in the middle. */
  | 'broken_off'
  /** The status is not a success. */
  | 'status'
  /** The redirect leads to a URL that is not followed. */
  | 'redirect'
  /** The log cannot be written. */
  | 'log';

/** The failure of a request, in a sentence. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly status: number | null;
  readonly retryAfterMs: number | null;

  constructor(code: FailureCode, message: string, more: { status?: number; retryAfterMs?: number | null } = {}) {
    super(message);
    this.name = 'Failure';
    this.code = code;
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }

  /** Whether the same request may succeed a little later. */
  get passes(): boolean {
    if (this.code === 'status')
      return this.status !== null && (this.status >= 500 || this.status === 429 || this.status === 408);
    return this.code === 'unreachable' || this.code === 'broken_off';
  }
}

/** Formats the line of a failure. The prefix `clip-http.` separates clip's lines from those of an agent. */
export function failedLine({ code, status, message, retryAfterMs }: Failure): string {
  return JSON.stringify({
    type: 'clip-http.failed',
    code,
    status,
    message,
    retryAfterSec: retryAfterMs === null ? null : retryAfterMs / 1_000,
  });
}

/** Formats the line of a status request that failed for now. */
export function retryingLine(attempt: number, message: string): string {
  return JSON.stringify({ type: 'clip-http.retrying', attempt, message });
}

/** The agent has accepted the work and continues. Its earlier response was not final, whatever its status was. */
export const pendingLine = JSON.stringify({ type: 'clip-http.pending' });
/** The job has ended. The following lines are its answer. */
export const finalLine = JSON.stringify({ type: 'clip-http.final' });

/** Formats the line of a cancel request that may have had no effect. */
export function cancelLine(message: string): string {
  return JSON.stringify({ type: 'clip-http.cancel', message });
}

/** Formats a URL for display. Name, password and query may hold secrets, so they are left out. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}
