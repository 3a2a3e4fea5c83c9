/** Programs of the user, run on an occasion: told something on their input, bounded in time and output, in a session of their own. */
import { spawn } from 'node:child_process';

export type Told = {
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeoutMs: number;
};

const errorChars = 500;

/** Null when it ended with 0; else why not, with the beginning of what it said on stderr. Its output is nobody's. */
export async function runProgram([program = '', ...args]: readonly string[], told: Told): Promise<string | null> {
  const { input, env, cwd, timeoutMs } = told;
  const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'ignore', 'pipe'], detached: true });
  let said = '';
  child.stderr.setEncoding('utf8');
  // Read to the end, or a talkative one would wait for ever; kept only as far as it is shown.
  child.stderr.on('data', (text: string) => {
    if (said.length < errorChars) said = (said + text).slice(0, errorChars);
  });
  // It need not read what it is told.
  for (const pipe of [child.stdin, child.stderr]) pipe.on('error', () => {});
  child.stdin.end(input);
  const ended = new Promise<string | null>((resolve) => {
    child.on('exit', (code, signal) => resolve(code === 0 ? null : signal === null ? `it ended with ${code}` : `it was ended by ${signal}`));
    child.on('error', (error: NodeJS.ErrnoException) => resolve(`it could not be started (${error.code ?? error.message})`));
  });
  let timer: NodeJS.Timeout | null = null;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      endGroup(child.pid);
      resolve(`it took more than ${timeoutMs / 1_000} s and was ended`);
    }, timeoutMs);
  });
  const why = await Promise.race([ended, late]);
  if (timer !== null) clearTimeout(timer);
  // Whatever it has left running may hold the pipe: nobody waits for that.
  child.stderr.destroy();
  child.unref();
  return why === null ? null : `${why}${said.trim() === '' ? '' : `: ${said.trim()}`}`;
}

/** Our own child, not waited for yet: its number is still its own, and so is its group. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined || pid <= 1) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
