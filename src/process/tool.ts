/** Short helper commands, always with a time-out. */
import { execa } from 'execa';

const versionMs = 10_000;

/** First line of `NAME --version`; null when it is not there or does not answer. */
export async function toolVersion(name: string): Promise<string | null> {
  const { stdout, failed } = await execa(name, ['--version'], { timeout: versionMs, reject: false, stdin: 'ignore', stderr: 'ignore', maxBuffer: 64 * 1024 });
  const line = typeof stdout === 'string' ? stdout.split('\n')[0]?.trim() : undefined;
  return failed || !line ? null : line.slice(0, 100);
}
