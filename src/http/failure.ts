/** What can go wrong with an HTTP agent, said in one line of JSON that its adapter reads. */

export type FailureCode =
  /** The command line or the environment is not right. */
  | 'usage'
  /** Nobody answered. */
  | 'unreachable'
  /** The answer ended in the middle. */
  | 'broken_off'
  /** It answered with a status that is none of success. */
  | 'status'
  /** It sent us where we do not go. */
  | 'redirect'
  /** The log cannot be written. */
  | 'log';

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

  /** Whether the same question may be answered a little later. */
  get passes(): boolean {
    if (this.code === 'status') return this.status !== null && (this.status >= 500 || this.status === 429 || this.status === 408);
    return this.code === 'unreachable' || this.code === 'broken_off';
  }
}

/** `clip-http.` tells our own lines from those of an agent. */
export function failedLine({ code, status, message, retryAfterMs }: Failure): string {
  return JSON.stringify({ type: 'clip-http.failed', code, status, message, retryAfterSec: retryAfterMs === null ? null : retryAfterMs / 1_000 });
}

export function retryingLine(attempt: number, message: string): string {
  return JSON.stringify({ type: 'clip-http.retrying', attempt, message });
}

/** The agent has taken the work and goes on; what it said before is no end, whatever it is called. */
export const pendingLine = JSON.stringify({ type: 'clip-http.pending' });
/** It goes on no more: what follows is its answer. */
export const finalLine = JSON.stringify({ type: 'clip-http.final' });

export function cancelLine(message: string): string {
  return JSON.stringify({ type: 'clip-http.cancel', message });
}

/** A URL as it may be shown: name, password and query can hold secrets. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}
