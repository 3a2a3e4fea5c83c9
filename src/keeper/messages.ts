/** Parses a message of a daemon. Returns null for anything unknown, which is refused. */
import type { ToKeeper } from '#process/keeper-protocol.ts';

/** Returns the message in this line, or null. */
export function readMessage(line: string): ToKeeper | null {
  const message = parse(line);
  switch (message?.type) {
    case 'hello':
      return Number.isSafeInteger(message.generation) && Number.isSafeInteger(message.protocol) ? message : null;
    case 'spawn':
      // The id names a folder below runs/, so it must be a plain name.
      return /^[a-z0-9]{1,64}$/.test(message.id) && isLaunch(message.launch) ? message : null;
    case 'withdraw':
      return typeof message.id === 'string' ? message : null;
    case 'ping':
      return Number.isSafeInteger(message.n) ? message : null;
    case 'find':
      return Number.isSafeInteger(message.n) && isFamily(message.family) ? message : null;
    case 'signal':
      return Number.isSafeInteger(message.n) && isSignal(message) ? message : null;
    case 'drain':
    case 'bye':
      return message;
    default:
      return null;
  }
}

function parse(line: string): ToKeeper | null {
  try {
    return JSON.parse(line) as ToKeeper | null;
  } catch {
    return null;
  }
}

/** Validates the fields of a launch that are used. Other fields are only recorded. */
function isLaunch(launch: Extract<ToKeeper, { type: 'spawn' }>['launch'] | null | undefined): boolean {
  if (typeof launch !== 'object' || launch === null) return false;
  const { argv, cwd, stdin, deadlineAt, graceMs, mergeOutput, token, task, continuation, attempt } = launch;
  const texts = Array.isArray(argv) && argv.length > 0 && argv.every(isText);
  const numbers =
    [deadlineAt, task, continuation].every((value) => value == null || Number.isFinite(value)) &&
    Number.isFinite(graceMs) &&
    graceMs >= 0;
  return (
    texts &&
    argv[0] !== '' &&
    isText(cwd) &&
    [stdin, token].every((value) => value == null || isText(value)) &&
    (attempt == null || /^[a-z0-9]{1,64}$/.test(attempt)) &&
    numbers &&
    typeof mergeOutput === 'boolean'
  );
}

function isFamily(family: Extract<ToKeeper, { type: 'find' }>['family'] | null | undefined): boolean {
  return typeof family?.runId === 'string' && isIdentity(family.leader);
}

function isSignal({ signal, members, cgroup }: Extract<ToKeeper, { type: 'signal' }>): boolean {
  return (
    /^SIG[A-Z]{2,10}$/.test(signal) &&
    Array.isArray(members) &&
    members.every(isIdentity) &&
    (cgroup === null || isText(cgroup))
  );
}

function isIdentity(
  process: { readonly pid: number; readonly startTime: number; readonly bootId: string } | null | undefined,
): boolean {
  return (
    Number.isSafeInteger(process?.pid) && Number.isFinite(process?.startTime) && typeof process?.bootId === 'string'
  );
}

const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');
