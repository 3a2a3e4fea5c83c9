/** What a daemon says, read: null for anything this keeper does not know. It is refused, never guessed at. */
import type { ToKeeper } from '../process/keeper-wire.ts';

export function readMessage(line: string): ToKeeper | null {
  const message = parse(line);
  switch (message?.type) {
    case 'hello':
      return Number.isSafeInteger(message.generation) && Number.isSafeInteger(message.protocol) ? message : null;
    case 'spawn':
      // The id names a folder below runs/, so it must be a plain name.
      return /^[a-z0-9]{1,64}$/.test(message.id) && isLaunch(message.launch) ? message : null;
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

/** All that is used of a launch; whatever else is in it goes into its record. */
function isLaunch(launch: Extract<ToKeeper, { type: 'spawn' }>['launch'] | null | undefined): boolean {
  if (typeof launch !== 'object' || launch === null) return false;
  const { argv, cwd, stdin, deadlineAt, graceMs, mergeOutput, token, task, continuation } = launch;
  const texts = Array.isArray(argv) && argv.length > 0 && argv.every(isText);
  const numbers = [deadlineAt, task, continuation].every((value) => value == null || Number.isFinite(value)) && Number.isFinite(graceMs) && graceMs >= 0;
  return (
    texts && argv[0] !== '' && isText(cwd) && [stdin, token].every((value) => value == null || isText(value)) && numbers && typeof mergeOutput === 'boolean'
  );
}

const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');
