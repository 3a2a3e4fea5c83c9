/**
 * Runs git. Each call is limited in time and output, has a fixed environment, and leads its own process group, so
 * that all its children end with it.
 */
import { spawn } from 'node:child_process';
import { limits } from '#run/limits.ts';
import { encodeName } from './file-names.ts';

/** One entry of a listing. A path has at most 4,096 bytes. */
const gitRecordBytesMax = 64 * 2 ** 10;

export type GitCall = {
  readonly args: readonly string[];
  /** Variables in addition to the fixed ones. They select the repository. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input. */
  readonly input?: Buffer;
  /** Another exit code that counts as success. */
  readonly alsoGood?: number;
};

/**
 * `ended`: git exited. `stopped`: the reader needed no more. `late`: it took too long. `missing`: git is not installed.
 */
type Outcome =
  | { readonly kind: 'ended'; readonly code: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'late' }
  | { readonly kind: 'missing' };

/** `exit`: the exit code of git, or why there is none. */
export type GitAnswer = { readonly exit: number | 'late' | 'missing'; readonly text: string };

/** Returns what git printed, whatever its exit code. */
export async function callGit(call: GitCall): Promise<GitAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const outcome = await runGit(call, (chunk) => {
    bytes += chunk.length;
    chunks.push(chunk);
    return bytes <= limits.gitBytesMax;
  });
  const exit = outcome.kind === 'ended' ? outcome.code : outcome.kind === 'missing' ? 'missing' : 'late';
  return { exit, text: Buffer.concat(chunks).toString('utf8') };
}

/** Returns what git printed, or null when it failed, took too long or printed too much. */
export async function askGit(call: GitCall): Promise<string | null> {
  const { exit, text } = await callGit(call);
  return exit === 0 ? text : null;
}

/**
 * Passes each NUL-terminated record of git's output to `take`, which returns false when it needs no more. A record
 * that is not valid UTF-8 is encoded as in `file-names.ts`. Returns `all`, `stopped` if `take` needed no more, or
 * null if git failed.
 */
export async function readGitRecords(
  call: GitCall,
  take: (record: string) => boolean,
): Promise<'all' | 'stopped' | null> {
  let rest: Buffer = Buffer.alloc(0);
  const outcome = await runGit(call, (chunk) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0, from)) {
      if (!take(encodeName(data.subarray(from, end)))) return false;
      from = end + 1;
    }
    rest = data.subarray(from);
    return rest.length <= gitRecordBytesMax;
  });
  if (outcome.kind === 'stopped') return 'stopped';
  return outcome.kind === 'ended' && (outcome.code === 0 || outcome.code === call.alsoGood) ? 'all' : null;
}

/** Spawning blocks the event loop for a millisecond or two, so only one process is spawned per turn. */
let turn: Promise<unknown> = Promise.resolve();

function ownTurn(): Promise<unknown> {
  const mine = turn;
  turn = mine.then(() => new Promise((resolve) => setImmediate(resolve)));
  return mine;
}

/** Feeds the output to `read`, chunk by chunk, until it returns false. Never throws. */
async function runGit({ args, env = {}, input }: GitCall, read: (chunk: Buffer) => boolean): Promise<Outcome> {
  await ownTurn();
  return new Promise((resolve) => {
    const child = spawn('git', [...fixedSettings, ...args], {
      // The root folder is never on a mount that hangs. The folder to examine is an argument.
      cwd: '/',
      env: { ...fixedEnvironment(), ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'],
      detached: true,
    });
    let stopped = false;
    const timer = setTimeout(() => finish({ kind: 'late' }), limits.gitMs);
    const finish = (outcome: Outcome) => {
      clearTimeout(timer);
      // The child is not reaped yet, so its pid still names its own group.
      if (child.exitCode === null && child.signalCode === null) endGroup(child.pid);
      child.stdout?.destroy();
      resolve(outcome);
    };
    child.on('error', () => finish({ kind: 'missing' }));
    child.on('close', (code) =>
      finish(code === null ? { kind: stopped ? 'stopped' : 'late' } : { kind: 'ended', code }),
    );
    child.stdout?.on('data', (chunk: Buffer) => {
      if (stopped || read(chunk)) return;
      stopped = true;
      finish({ kind: 'stopped' });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined || pid <= 1) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The process has just ended.
  }
}

/** Git must not start any program: no file watcher, no hook, no pager. */
const fixedSettings = [
  '--no-pager',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.quotePath=false',
];

/** Variables of the daemon that git needs. Others could redirect it or make it run programs. */
const passedOn = ['PATH', 'HOME', 'XDG_CONFIG_HOME'];

function fixedEnvironment(): Record<string, string> {
  const own = Object.fromEntries(
    passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  return {
    ...own,
    LC_ALL: 'C',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    // An empty list of protocols: nothing is fetched, whatever a repository says.
    GIT_ALLOW_PROTOCOL: '',
  };
}
