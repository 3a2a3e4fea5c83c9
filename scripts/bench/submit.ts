/** The way of a run: from its submission to its process, and of many runs to their recorded end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createHome, multiplyRuns } from './bench-home.ts';
import { median, paired, until } from './measure.ts';
import { type BenchRow, formatMs, type Result, ratioResult, rounds, scaled } from './row.ts';

type Home = ReturnType<typeof createHome>;

export const submitRows: readonly BenchRow[] = [
  { name: 'submit', what: 'submit → exec', against: 'raw spawn', target: '≤ 3×', measure: measureSubmit },
  {
    name: 'batch',
    what: '200 × /bin/true in one batch, to the recorded end',
    against: '200 raw spawns in a loop',
    target: '≤ 1.5×',
    measure: measureBatch,
  },
  {
    name: 'batch',
    what: 'the same after 100,000 earlier runs',
    against: 'an empty home',
    target: '≤ 1.1×',
    measure: measureLaterBatch,
  },
];

async function measureSubmit(): Promise<Result> {
  const home = createHome(2);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  const stamp = join(home.base, 'stamp');
  const now = () => performance.timeOrigin + performance.now();
  const stamped = async () => {
    let text = '';
    await until('the stamp file exists', () => {
      text = readFileSync(stamp, 'utf8');
      return text.endsWith('\n');
    });
    return Number(text) * 1_000;
  };
  const command = ['sh', '-c', `date +%s.%N > ${stamp}`];
  const submitted = async () => {
    writeFileSync(stamp, '');
    const from = now();
    await home.ask('POST', '/v1/runs', { command, cwd: '/', env: { PATH: process.env['PATH'] } });
    return (await stamped()) - from;
  };
  const raw = async () => {
    writeFileSync(stamp, '');
    const from = now();
    await once(spawn('sh', command.slice(1), { detached: true, stdio: 'ignore', cwd: '/' }), 'exit');
    return (await stamped()) - from;
  };
  const result = await paired(rounds(60), submitted, raw);
  await home.end();
  return ratioResult(result.ratio, 3, `${formatMs(result.a)}, HTTP included; floor ${formatMs(result.b)}`);
}

/** Measures the batch in a home with this many earlier runs. */
async function createBatchHome(
  earlier: number,
): Promise<{ home: Home; batch: () => Promise<number>; settled: number[] }> {
  const home = createHome(2);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  if (earlier > 0) {
    await home.run(['daemon', 'stop']);
    multiplyRuns(home.folder, earlier);
    await home.run(['daemon', 'start']);
  }
  const defaults = JSON.stringify({ defaults: { cwd: '/', env: { PATH: process.env['PATH'] } } });
  const lines = `${defaults}\n${`${JSON.stringify({ command: ['/bin/true'] })}\n`.repeat(runsPerBatch)}`;
  let cursor = Number((await home.run(['events'])).trim().split('\n').length);
  const settled: number[] = [];
  const batch = async () => {
    let ended = 0;
    const from = performance.now();
    const recorded = home.following(`/v1/events?follow=true&since=${cursor}`, (event) => {
      cursor = Math.max(cursor, Number(event['seq']));
      if (event['type'] === 'exited') ended += 1;
      return ended === runsPerBatch;
    });
    const answer = await postLines(home, lines);
    await recorded;
    const took = performance.now() - from;
    await home.ask('GET', `/v1/wait?${answer.map((line) => `run=${line.run.number}`).join('&')}`);
    settled.push(performance.now() - from);
    return took;
  };
  return { home, batch, settled };
}

const runsPerBatch = 200;

async function measureBatch(): Promise<Result> {
  const { home, batch, settled } = await createBatchHome(0);
  const raw = async () => {
    const from = performance.now();
    for (let i = 0; i < runsPerBatch; i += 1)
      await once(spawn('/bin/true', { detached: true, stdio: 'ignore' }), 'exit');
    return performance.now() - from;
  };
  const result = await paired(rounds(9), batch, raw);
  await home.end();
  const all = `all settled: median ${median(settled).toFixed(0)} ms`;
  return ratioResult(result.ratio, 1.5, `${formatMs(result.a)}; ${all}; floor ${formatMs(result.b)}`);
}

async function measureLaterBatch(): Promise<Result> {
  const [empty, full] = [await createBatchHome(0), await createBatchHome(scaled(100_000))];
  const result = await paired(rounds(7), full.batch, empty.batch);
  await empty.home.end();
  await full.home.end();
  return ratioResult(result.ratio, 1.1, `${formatMs(result.a)}; ${formatMs(result.b)}`);
}

/** Sends a batch, and returns the lines of the answer. */
async function postLines(home: Home, lines: string): Promise<{ run: { number: number } }[]> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath: join(home.folder, 'clip.sock'),
        method: 'POST',
        path: '/v1/batch',
        headers: { 'content-type': 'application/x-ndjson' },
      },
      (answer) => {
        let all = '';
        answer.on('data', (chunk) => {
          all += chunk;
        });
        answer.on('end', () =>
          resolve(
            all
              .trim()
              .split('\n')
              .map((line) => JSON.parse(line)),
          ),
        );
      },
    );
    sent.on('error', reject);
    sent.end(lines);
  });
}
