/** Homes for benchmarks: empty ones, and one with a million runs. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { programCommand } from '#launch/launch.ts';

export const clip = join(import.meta.dirname, '../../bin/clip.js');
/** The command that starts the daemon. */
export const clipd = [...programCommand('clipd').slice(0, -1), join(import.meta.dirname, '../../bin/clipd.js')];

/** The cache of compiled code of all homes. It is removed at the end. */
const cache = mkdtempSync(join(tmpdir(), 'clip-bench-cache-'));
process.on('exit', () => rmSync(cache, { recursive: true, force: true }));

export function createHome(maxRuns: number) {
  const base = mkdtempSync(join(tmpdir(), 'clip-bench-'));
  const folder = join(base, 'h');
  mkdirSync(join(base, 'config/clip'), { recursive: true });
  writeFileSync(join(base, 'config/clip/config.toml'), `max_runs = ${maxRuns}\n`);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: base,
    LANG: 'C.UTF-8',
    CLIP_HOME: folder,
    XDG_CONFIG_HOME: join(base, 'config'),
    // Compiled code is kept between homes, as on a person's machine.
    XDG_CACHE_HOME: cache,
  };

  /** Runs the CLI and returns its standard output. */
  function run(args: readonly string[], input?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [clip, ...args], {
        env,
        cwd: base,
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'inherit'],
      });
      let text = '';
      child.stdout?.on('data', (chunk) => {
        text += chunk;
      });
      child.stdin?.end(input);
      child.on('error', reject);
      child.on('close', () => resolve(text));
    });
  }

  async function daemon(): Promise<{ pid: number; keeper: number }> {
    const status = JSON.parse(await run(['daemon', 'status', '--json'])) as { pid: number; keepers: { pid: number }[] };
    return { pid: status.pid, keeper: status.keepers[0]?.pid ?? 0 };
  }

  /** Sends one request over the socket from this process, as a program that uses the API would. */
  function ask(method: string, path: string, body?: object): Promise<string> {
    return new Promise((resolve, reject) => {
      const text = body ? JSON.stringify(body) : undefined;
      const headers = text ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {};
      const sent = request({ socketPath: join(folder, 'clip.sock'), method, path, headers }, (answer) => {
        let all = '';
        answer.on('data', (chunk) => {
          all += chunk;
        });
        answer.on('end', () => resolve(all));
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }

  /** Follows a stream of JSON lines until `isLast` holds for one of them. */
  function following(path: string, isLast: (line: Record<string, unknown>) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: join(folder, 'clip.sock'), path }, (answer) => {
        let rest = '';
        // The connection is closed from this side, which is not an error.
        answer.on('error', () => {});
        answer.on('close', () => reject(new Error(`${path} ended early`)));
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          if (!lines.some((line) => isLast(JSON.parse(line)))) return;
          resolve();
          sent.destroy();
        });
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  async function end(): Promise<void> {
    await run(['daemon', 'stop', '--cancel-runs', '--json']);
    rmSync(base, { recursive: true, force: true });
  }

  /** Returns the number of running runs. */
  async function running(): Promise<number> {
    const { live } = JSON.parse(await run(['status', '--json'])) as { live: { status: string }[] };
    return live.filter(({ status }) => status === 'running').length;
  }

  return { base, folder, env, run, running, daemon, ask, following, end };
}

/** Copies the newest ended run of a stopped home until `total` runs exist. */
export function multiplyRuns(folder: string, total: number): void {
  const database = new Database(join(folder, 'clip.db'));
  database.pragma('synchronous = OFF');
  database.exec(`
    INSERT INTO runs (id, status, priority, queued_at, unsettled, spec, lineage, state)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${total})
    SELECT 'bench' || i, status, priority, queued_at, unsettled, spec, lineage, state FROM n, (SELECT * FROM runs ORDER BY number DESC LIMIT 1);
    UPDATE meta SET value = (SELECT count(*) FROM runs) WHERE key = 'runs_total';
  `);
  database.close();
}
