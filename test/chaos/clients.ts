/**
 * The clients of a round: every command that the driver starts. One of them can be killed, and none is left at the end.
 */
import type { ChildProcess } from 'node:child_process';
import type { openHome } from '../support/home.ts';
import { pickBy } from './chance.ts';

export type OpenHome = ReturnType<typeof openHome>;
/** The outcome of a command. `killed`: the driver killed it. */
export type Answer = {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
  readonly killed: boolean;
};
export type Clients = ReturnType<typeof createClients>;

export function createClients(home: OpenHome, trace: (line: string) => void) {
  const living = new Map<ChildProcess, { readonly args: readonly string[]; killed: boolean }>();
  let closed = false;

  /** Runs the CLI to its end, whatever the outcome is. `onOut` receives its output as it arrives. */
  function run(
    args: readonly string[],
    options: { onOut?: (chunk: Buffer) => void; input?: string } = {},
  ): Promise<Answer> {
    if (closed) return Promise.resolve({ code: null, out: Buffer.alloc(0), err: '', killed: true });
    const child = home.start(args, { stdin: options.input === undefined ? 'ignore' : 'pipe' });
    const entry = { args, killed: false };
    living.set(child, entry);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    child.stdout?.on('data', (chunk: Buffer) => {
      out.push(chunk);
      options.onOut?.(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    return new Promise((resolve) => {
      child.on('close', (code) => {
        living.delete(child);
        const answer = { code, out: Buffer.concat(out), err: Buffer.concat(err).toString(), killed: entry.killed };
        const said = answer.err.trim().split('\n')[0] ?? '';
        trace(`  clip ${args.join(' ')} → ${entry.killed ? 'killed' : code}${code === 0 ? '' : `: ${said}`}`);
        resolve(answer);
      });
    });
  }

  function kill(child: ChildProcess): void {
    const entry = living.get(child);
    if (!entry) return;
    entry.killed = true;
    child.kill('SIGKILL');
  }

  return {
    run,
    /** Kills one of the running commands and returns its arguments. */
    killOne(pick: number): readonly string[] | null {
      const chosen = pickBy([...living], pick);
      if (chosen === null) return null;
      kill(chosen[0]);
      return chosen[1].args;
    },
    pidOfOne: (pick: number): number | null => pickBy([...living.keys()], pick)?.pid ?? null,
    /** Returns the running commands. */
    atWork: (): string[] => [...living.values()].map(({ args }) => args.join(' ')),
    /** Kills the running commands and refuses new ones. */
    close(): void {
      closed = true;
      for (const child of living.keys()) kill(child);
    },
    closed: (): boolean => closed,
  };
}
