/**
 * Other supervisors beside clip, in the same run. Nothing is installed: a peer that is missing is named with the
 * command that installs it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { paired, timeProcess, which } from './measure.ts';
import { type BenchRow, formatMs, type Result, rounds } from './row.ts';

const node = process.execPath;
const jobs = 200;

type Peer = {
  readonly program: string;
  readonly install: string;
  /** Lists the jobs. */
  readonly list: readonly string[];
  /** Submits one short job and does not wait for it. */
  readonly submit: readonly string[] | null;
  /** Runs `jobs` times /bin/true, and returns when the last one has ended. */
  readonly many: ((run: Run) => Promise<void>) | null;
  /** Ends the daemon of the peer. */
  readonly end: readonly string[] | null;
};
type Run = (args: readonly string[]) => Promise<unknown>;

const peers: readonly Peer[] = [
  {
    program: 'tsp',
    install: 'apt-get install task-spooler',
    list: [],
    submit: ['true'],
    many: async (run) => {
      for (let i = 0; i < jobs; i += 1) await run(['/bin/true']);
      await run(['-w']);
    },
    end: ['-K'],
  },
  {
    program: 'nq',
    install: 'apt-get install nq',
    list: ['-t'],
    submit: ['true'],
    many: async (run) => {
      for (let i = 0; i < jobs; i += 1) await run(['-q', '/bin/true']);
      await run(['-w']);
    },
    end: null,
  },
  {
    program: 'supervisorctl',
    install: 'apt-get install supervisor',
    list: ['--version'],
    submit: null,
    many: null,
    end: null,
  },
  { program: 'pm2', install: 'npm install --global pm2', list: ['jlist'], submit: null, many: null, end: ['kill'] },
];

export const peerRows: readonly BenchRow[] = peers.map((peer) => ({
  name: 'peers',
  what: `${peer.program}: list; submit; ${jobs} × /bin/true`,
  against: 'node -e 0; node -e 0; raw spawns in a loop',
  target: '–',
  measure: () => measurePeer(peer),
}));

async function measurePeer({ program, install, list, submit, many, end }: Peer): Promise<Result> {
  const path = which(program);
  if (path === null) return { figure: `not installed: ${install}`, met: null };
  const base = mkdtempSync(join(tmpdir(), 'clip-peer-'));
  const env = { ...process.env, PM2_HOME: join(base, 'pm2'), TS_SOCKET: join(base, 'tsp'), NQDIR: join(base, 'nq') };
  const run = (args: readonly string[]) => timeProcess(path, args, { env }, null);
  const bareNode = () => timeProcess(node, ['-e', '0']);
  const figures: string[] = [];
  const listed = await paired(rounds(15), () => run(list), bareNode);
  figures.push(`list ${listed.ratio.toFixed(2)}× (${formatMs(listed.a)})`);
  if (submit !== null) {
    const submitted = await paired(rounds(15), () => run(submit), bareNode);
    figures.push(`submit ${submitted.ratio.toFixed(2)}× (${formatMs(submitted.a)})`);
  }
  if (many !== null) {
    const batch = await paired(
      rounds(5),
      () => timeOf(() => many(run)),
      () => timeOf(spawnRaw),
    );
    figures.push(`${jobs} runs ${batch.ratio.toFixed(2)}× (${formatMs(batch.a)}; floor ${formatMs(batch.b)})`);
  }
  if (end !== null) await run(end);
  rmSync(base, { recursive: true, force: true });
  return { figure: figures.join('; '), met: null };
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

async function spawnRaw(): Promise<void> {
  for (let i = 0; i < jobs; i += 1) await once(spawn('/bin/true', { detached: true, stdio: 'ignore' }), 'exit');
}
