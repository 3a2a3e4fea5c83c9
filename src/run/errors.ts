/**
 * All errors as one table. The code is the stable name, and the number is the exit code of the CLI. Anything that is
 * not a ClipError is a bug and is shown as "Internal error".
 */
export const errorTable = {
  failed: { exit: 1, means: 'the work itself failed' },
  usage: { exit: 2, means: 'the request is not well formed' },
  not_found: { exit: 3, means: 'there is no such run, group or file' },
  ambiguous: { exit: 3, means: 'the name fits more than one run' },
  unreachable: { exit: 4, means: 'the daemon does not answer' },
  no_permission: { exit: 4, means: 'the socket may not be used from here, for instance inside a sandbox' },
  refused: { exit: 5, means: 'the request makes sense, but not now' },
  already_ended: { exit: 5, means: 'the run has ended' },
  already_stopping: { exit: 0, means: 'the run is being stopped already' },
  name_taken: { exit: 5, means: 'a live run has this name' },
  key_conflict: { exit: 5, means: 'the key was used for another command' },
  too_deep: { exit: 5, means: 'runs inside runs inside runs: the depth limit is reached' },
  too_large: { exit: 5, means: 'the request is over a size limit' },
  busy: { exit: 5, means: 'the daemon has as many connections as it takes' },
  home_unusable: { exit: 5, means: 'the home folder cannot be used' },
  shutting_down: { exit: 5, means: 'the daemon is stopping' },
  version_mismatch: { exit: 6, means: 'the client and the daemon are of different versions' },
  database_newer: { exit: 7, means: 'the database was written by a newer version' },
  database_damaged: { exit: 7, means: 'the database cannot be read' },
  database_locked: { exit: 7, means: 'another program holds the database locked' },
  database: { exit: 7, means: 'the database refused' },
  disk_full: { exit: 7, means: 'there is no space left for the records' },
  internal: { exit: 1, means: 'a bug; daemon.log has the details' },
} as const;

export type ErrorCode = keyof typeof errorTable;

/** An error that says what happened, to which thing, and what to do now. */
export class ClipError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;

  /** Recognizes the class by its name, because each bundle has its own copy and catches errors of another. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'ClipError';
  }

  constructor(code: ErrorCode, sentence: string, hint: string | null = null, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.name = 'ClipError';
    this.code = code;
    this.hint = hint;
  }
}

/** Returns whether a text is one of clip's error codes. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}
