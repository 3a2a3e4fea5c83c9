/** Runs a program of the user: with input, limits on time and output, and in a session of its own. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { cutText } from '#run/cut-text.ts';

export type HookInput = {
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeoutMs: number;
  /** Ends the program early. */
  readonly signal: AbortSignal;
};

const errorChars = 500;
/** What the program has written is in the pipe when it ends. Another process may hold the pipe open. */
const lastErrorsMs = 250;

/**
 * Returns null if the program exited with 0, else the reason and the beginning of its stderr. Its stdout is discarded.
 */
export async function runProgram([program = '', ...args]: readonly string[], told: HookInput): Promise<string | null> {
  const { input, env, cwd, timeoutMs, signal: abort } = told;
  const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'ignore', 'pipe'], detached: true });
  const failed = new Promise<string>((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) =>
      resolve(`it could not be started (${error.code ?? error.message})`),
    );
  });
  // Without a descriptor for its pipes, the child has no streams.
  if (child.pid === undefined) return failed;
  let said = '';
  child.stderr.setEncoding('utf8');
  // Read to the end, because a program with much output would block otherwise. Only the part that is shown is kept.
  child.stderr.on('data', (text: string) => {
    if (said.length < errorChars) said = cutText(said + text, errorChars);
  });
  // The program need not read its input.
  for (const pipe of [child.stdin, child.stderr]) pipe.on('error', () => {});
  const allRead = new Promise((resolve) => child.stderr.once('end', resolve));
  child.stdin.end(input);
  const ended = new Promise<string | null>((resolve) => {
    child.on('exit', (code, signal) =>
      resolve(code === 0 ? null : signal === null ? `it ended with ${code}` : `it was ended by ${signal}`),
    );
  });
  let timer: NodeJS.Timeout | null = null;
  const onAbort = () => endGroup(child.pid);
  abort.addEventListener('abort', onAbort, { once: true });
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      endGroup(child.pid);
      resolve(`it took more than ${timeoutMs / 1_000} s and was ended`);
    }, timeoutMs);
  });
  const why = await Promise.race([ended, failed, late]);
  if (timer !== null) clearTimeout(timer);
  abort.removeEventListener('abort', onAbort);
  if (why !== null) await Promise.race([allRead, sleep(lastErrorsMs, null, { ref: false })]);
  // Processes that it has left running may hold the pipe, which is not waited for any longer.
  child.stderr.destroy();
  child.unref();
  return why === null ? null : `${why}${said.trim() === '' ? '' : `: ${said.trim()}`}`;
}

/** Kills the process group of the child. The child is not reaped yet, so its pid and its group are still its own. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined || pid <= 1) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The program has just ended.
  }
}
