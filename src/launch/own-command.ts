/** Running clip's own command line as a person would, in another home. */
import { spawn } from 'node:child_process';

export type Said = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** The program that runs now, with these arguments, to its end. */
export function runOwnCommand(args: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly cwd: string }): Promise<Said> {
  const [, program = ''] = process.argv;
  const child = spawn(process.execPath, [program, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') }));
  });
}
