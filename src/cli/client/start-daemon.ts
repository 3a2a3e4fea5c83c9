/** Starts the daemon from a command. Many clients at once start one daemon, and none of them fails. */
import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findForeignFiles, type Home, makeHome, validateHome } from '#config/home.ts';
import { launchDaemon } from '#launch/launch.ts';
import { ClipError, isErrorCode } from '#run/errors.ts';

/** The pause between clients that start at the same time, so that most of them find the daemon running. */
const crowdMs = 100;
const startMs = 60_000;
/** How long another client's start is awaited before this one starts the daemon itself. */
const trustMs = 3_000;

/** Starts the daemon, or waits for one that another client starts. Throws ClipError when it does not come up. */
export async function startDaemon(home: Home): Promise<void> {
  if (process.env['CLIP_NO_SPAWN'] === '1')
    throw new ClipError(
      'unreachable',
      'The daemon is not running, and CLIP_NO_SPAWN forbids to start it.',
      'Start it: clip daemon start, without CLIP_NO_SPAWN.',
    );
  const trouble = validateHome(home) ?? findForeignFiles(home) ?? makeHome(home);
  if (trouble) throw new ClipError('home_unusable', trouble.sentence, trouble.hint);
  await sleep(Math.random() * crowdMs);
  const claim = join(home.folder, 'daemon.starting');
  const until = Date.now() + startMs;
  let launched: { line: string | null } | null = null;
  let waiting = false;
  for (let wait = 10; Date.now() < until; wait = Math.min(wait * 1.3, 100)) {
    if (await answers(home.socket)) {
      rmSync(claim, { force: true });
      return;
    }
    if (!waiting && mayLaunch(claim)) {
      waiting = true;
      launchDaemon(home.folder, (line) => {
        launched = { line };
        rmSync(claim, { force: true });
      });
    }
    const said = launched as { line: string | null } | null;
    if (said !== null) {
      refuseIfFailed(home, said.line);
      // The new daemon lost against another one that may be shutting down, or it listened and has died since. If no
      // daemon answers now, this client starts one again.
      launched = null;
      waiting = false;
    }
    await sleep(wait);
  }
  throw new ClipError(
    'unreachable',
    `The daemon did not answer within ${startMs / 1_000} s.`,
    `See ${home.log} and ${join(home.folder, 'daemon.err')}.`,
  );
}

/**
 * Returns whether this client may launch the daemon; the others wait. The lock of the home decides in the end, and this
 * only avoids a hundred futile starts.
 */
function mayLaunch(claim: string): boolean {
  try {
    closeSync(openSync(claim, 'wx', 0o600));
    return true;
  } catch {
    const age = Date.now() - (statSync(claim, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    // A claim from the future was made before the clock was set back.
    if (Math.abs(age) < trustMs) return false;
    rmSync(claim, { force: true });
    return false;
  }
}

function refuseIfFailed(home: Home, line: string | null): void {
  if (line === null) {
    throw new ClipError(
      'unreachable',
      'The daemon ended while it started.',
      existsSync(home.folder) ? `See ${join(home.folder, 'daemon.err')}.` : 'Its home has gone.',
    );
  }
  const said = JSON.parse(line) as { error?: { code: string; message: string; hint: string | null } };
  if (said.error)
    throw new ClipError(isErrorCode(said.error.code) ? said.error.code : 'failed', said.error.message, said.error.hint);
}

/** Returns whether a daemon accepts connections. EACCES and similar errors are left to the request that follows. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ENOENT' && error.code !== 'ECONNREFUSED' && error.code !== 'EAGAIN'),
    );
  });
}
