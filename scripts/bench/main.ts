/**
 * `npm run bench`: compares clip with lower bounds (a bare node, a raw spawn, a shell redirect) and with installed
 * peers.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRunProcesses } from '#process/run-processes.ts';
import { clip, createHome, multiplyRuns } from './home.ts';
import { measureLargeHome } from './large-home.ts';
import { cpuMs, least, median, paired, type Row, rssMb, timeProcess, until, which } from './measure.ts';

const node = process.execPath;
const rows: Row[] = [];
const ms = (values: readonly number[]) => `min ${least(values).toFixed(1)}, median ${median(values).toFixed(1)} ms`;
const wanted = process.argv.slice(2);

async function row(
  name: string,
  what: string,
  against: string,
  target: string,
  measure: () => Promise<{ figure: string; met: boolean | null }>,
): Promise<void> {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const result = await measure();
  rows.push({ what, against, target, ...result });
  const verdict = result.met === null ? '' : result.met ? '  met' : '  MISSED';
  console.log(`${what} | against ${against} | target ${target} | ${result.figure}${verdict}`);
}

const ratio = (value: number, most: number, detail: string) => ({
  figure: `${value.toFixed(2)}× (${detail})`,
  met: value <= most,
});

await row('cli', 'clip runs --json, warm', 'node -e 0', '≤ 1.35×', async () => {
  const home = createHome(2);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  const result = await paired(
    40,
    () => timeProcess(node, [clip, 'runs', '--json'], { env: home.env }),
    () => timeProcess(node, ['-e', '0'], { env: home.env }),
  );
  await home.end();
  return ratio(result.ratio, 1.35, `${ms(result.a)}; floor ${ms(result.b)}`);
});

await row(
  'ledger',
  'the same with 1,000,000 runs; and memory',
  'with 100 runs; a bare node',
  '≤ 1.2×; daemon ≤ 1.8×, keeper ≤ 1.2×',
  async () => {
    const [small, large] = [createHome(2), createHome(2)];
    for (const [home, total] of [
      [small, 100],
      [large, 1_000_000],
    ] as const) {
      await home.run(['run', '--wait', '-q', '--', 'true']);
      await home.run(['daemon', 'stop']);
      multiplyRuns(home.folder, total);
      await home.run(['daemon', 'start']);
    }
    const list = (home: typeof small) => () => timeProcess(node, [clip, 'runs', '--json'], { env: home.env });
    const result = await paired(30, list(large), list(small));
    const { pid, keeper } = await large.daemon();
    const bare = spawn(node, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    await until('a bare node is idle', () => rssMb(bare.pid ?? 0) > 30);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const [daemonMb, keeperMb, bareMb] = [rssMb(pid), rssMb(keeper), rssMb(bare.pid ?? 0)];
    bare.kill();
    await small.end();
    await large.end();
    const memory = `daemon ${(daemonMb / bareMb).toFixed(2)}× = ${daemonMb.toFixed(0)} MB, keeper ${(keeperMb / bareMb).toFixed(2)}× = ${keeperMb.toFixed(0)} MB, bare node ${bareMb.toFixed(0)} MB`;
    return {
      figure: `${result.ratio.toFixed(2)}× (${ms(result.a)}; ${ms(result.b)}); ${memory}`,
      met: result.ratio <= 1.2 && daemonMb / bareMb <= 1.8 && keeperMb / bareMb <= 1.2,
    };
  },
);

await row(
  'large-home',
  'ledger, status, open tasks, board and budgets with 1,000,000 agent runs and 10,000 tasks',
  'with 100 runs and 10 tasks',
  '≤ 1.3× each; no block above 10 ms',
  measureLargeHome,
);

await row('submit', 'submit → exec', 'raw spawn', '≤ 3×', async () => {
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
  const result = await paired(60, submitted, raw);
  await home.end();
  return ratio(result.ratio, 3, `${ms(result.a)}, HTTP included; floor ${ms(result.b)}`);
});

await row(
  'batch',
  '200 × /bin/true in one batch, to the recorded end',
  '200 raw spawns in a loop',
  '≤ 1.5×',
  async () => {
    const home = createHome(2);
    await home.run(['run', '--wait', '-q', '--', 'true']);
    const lines = `${JSON.stringify({ defaults: { cwd: '/', env: { PATH: process.env['PATH'] } } })}\n${`${JSON.stringify({ command: ['/bin/true'] })}\n`.repeat(200)}`;
    // The events of the warm-up run come first.
    let cursor = Number((await home.run(['events'])).trim().split('\n').length);
    let ended = 0;
    const cleared: number[] = [];
    const batch = async () => {
      const from = performance.now();
      const recorded = home.following(`/v1/events?follow=true&since=${cursor}`, (event) => {
        cursor = Math.max(cursor, Number(event['seq']));
        if (event['type'] === 'exited') ended += 1;
        return ended === 200;
      });
      const answer = await postLines(home, lines);
      await recorded;
      const took = performance.now() - from;
      ended = 0;
      await home.ask('GET', `/v1/wait?${answer.map((line) => `run=${line.run.number}`).join('&')}`);
      cleared.push(performance.now() - from);
      return took;
    };
    const raw = async () => {
      const from = performance.now();
      for (let i = 0; i < 200; i += 1) await once(spawn('/bin/true', { detached: true, stdio: 'ignore' }), 'exit');
      return performance.now() - from;
    };
    const result = await paired(7, batch, raw);
    await home.end();
    return ratio(
      result.ratio,
      1.5,
      `${ms(result.a)}; leftovers looked for and all settled: median ${median(cleared).toFixed(0)} ms; floor ${ms(result.b)}`,
    );
  },
);

await row('output', '1 GB of output', 'shell redirect', '≤ 1.05×, own CPU ≤ 0.1 s', async () => {
  const home = createHome(2);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  const { pid, keeper } = await home.daemon();
  const target = join(home.base, 'raw.log');
  const cpu: number[] = [];
  const supervised = async () => {
    const before = cpuMs(pid) + cpuMs(keeper);
    const answer = JSON.parse(await home.run(['run', '--wait', '--json', '--', 'head', '-c', '1G', '/dev/zero'])) as {
      run: { number: number; startedAt: string; endedAt: string; stdoutBytes: number };
    };
    if (answer.run.stdoutBytes !== 2 ** 30) throw new Error('the output is not complete');
    cpu.push(cpuMs(pid) + cpuMs(keeper) - before);
    await home.run(['rm', String(answer.run.number)]);
    return Date.parse(answer.run.endedAt) - Date.parse(answer.run.startedAt);
  };
  const redirected = async () => {
    // Each round writes a new file, as a run does. Writing into the cached pages of an old file is faster.
    const file = openSync(target, 'a');
    try {
      return await timeProcess('head', ['-c', '1G', '/dev/zero'], { stdio: ['ignore', file, 'ignore'] });
    } finally {
      closeSync(file);
      rmSync(target);
    }
  };
  const result = await paired(9, supervised, redirected);
  await home.end();
  return {
    figure: `${result.ratio.toFixed(2)}× (${ms(result.a)}; floor ${ms(result.b)}), own CPU median ${median(cpu)} ms`,
    met: result.ratio <= 1.05 && median(cpu) <= 100,
  };
});

await row('idle', 'idle with 50 quiet runs; memory per live run', '–', '≤ 0.2 % of a core; ≤ 0.1 MB', async () => {
  const home = createHome(64);
  await home.run(['run', '--wait', '-q', '--', 'true']);
  const { pid, keeper } = await home.daemon();
  // Fifty runs end first and are listed once, so that lazily loaded code is not measured as the cost of a run.
  await home.run(['run', '--wait', '--batch', '-'], `${JSON.stringify({ command: ['sleep', '0.1'] })}\n`.repeat(50));
  await home.run(['status', '--json']);
  const before = rssMb(pid) + rssMb(keeper);
  await home.run(['run', '--batch', '-'], `${JSON.stringify({ command: ['sleep', '1000'] })}\n`.repeat(50));
  await until(
    '50 runs are live',
    async () =>
      (JSON.parse(await home.run(['status', '--json'])) as { live: { status: string }[] }).live.filter(
        ({ status }) => status === 'running',
      ).length === 50,
  );
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const seconds = 30;
  const from = cpuMs(pid) + cpuMs(keeper);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const percent = (cpuMs(pid) + cpuMs(keeper) - from) / (seconds * 10);
  const perRun = (rssMb(pid) + rssMb(keeper) - before) / 50;
  await home.end();
  return {
    figure: `${percent.toFixed(2)} % over ${seconds} s; ${perRun.toFixed(2)} MB`,
    met: percent <= 0.2 && perRun <= 0.1,
  };
});

await row(
  'restart',
  'restart with 300 live runs until all are adopted',
  'bare boot of the daemon',
  '≤ 2×',
  async () => {
    const [full, empty] = [createHome(400), createHome(2)];
    await full.run(['run', '--batch', '-'], `${JSON.stringify({ command: ['sleep', '1000'] })}\n`.repeat(300));
    const running = async () =>
      (JSON.parse(await full.run(['status', '--json'])) as { live: { status: string }[] }).live.filter(
        ({ status }) => status === 'running',
      ).length;
    await until('300 runs are live', async () => (await running()) === 300);
    await empty.run(['run', '--wait', '--', 'true']);
    const boot = (home: typeof full) => async () => {
      await home.run(['daemon', 'stop', '--json']);
      return timeProcess(node, [clip, 'daemon', 'start'], { env: home.env });
    };
    const result = await paired(7, boot(full), boot(empty));
    const adopted = await running();
    await full.end();
    await empty.end();
    return {
      figure: `${result.ratio.toFixed(2)}× (${ms(result.a)}; ${ms(result.b)}), ${adopted} of 300 adopted`,
      met: result.ratio <= 2 && adopted === 300,
    };
  },
);

await row('sweep', 'sweep by mark over 2,000 processes', '–', '≤ 30 ms', async () => {
  const crowd = Array.from({ length: 2_000 }, () => spawn('sleep', ['1000'], { stdio: 'ignore' }));
  await Promise.all(crowd.map((child) => once(child, 'spawn')));
  const times: number[] = [];
  let seen = 0;
  for (let i = 0; i < 15; i += 1) {
    const from = performance.now();
    seen = findRunProcesses([{ runId: 'none', leader: null }]).processes;
    times.push(performance.now() - from);
  }
  await Promise.all(
    crowd.map((child) => {
      child.kill();
      return once(child, 'exit');
    }),
  );
  return { figure: `${ms(times)} over ${seen} processes, every environment read`, met: median(times) <= 30 };
});

await row('peers', 'listing', 'peers installed here', '–', async () => {
  const peers: [string, string[]][] = [
    ['pm2', ['jlist']],
    ['tsp', []],
    ['supervisorctl', ['--version']],
  ];
  const found: string[] = [];
  const base = mkdtempSync(join(tmpdir(), 'clip-peers-'));
  const peerEnv = { ...process.env, PM2_HOME: join(base, 'pm2'), TS_SOCKET: join(base, 'tsp') };
  for (const [name, args] of peers) {
    const path = which(name);
    if (path === null) continue;
    const result = await paired(
      10,
      () => timeProcess(path, args, { env: peerEnv }),
      () => timeProcess(node, ['-e', '0']),
    );
    found.push(`${name} ${result.ratio.toFixed(2)}× node -e 0`);
  }
  // Listing starts the peers' daemons as well. Their own commands end them.
  for (const [name, end] of [
    ['pm2', 'kill'],
    ['tsp', '-K'],
  ] as const) {
    const path = which(name);
    if (path !== null) await timeProcess(path, [end], { env: peerEnv });
  }
  rmSync(base, { recursive: true, force: true });
  return { figure: found.join(', ') || 'none of pm2, tsp, supervisord is installed', met: null };
});

console.log(
  `\n${rows.filter(({ met }) => met === true).length} met, ${rows.filter(({ met }) => met === false).length} missed. Node ${process.version}, ${process.platform}.`,
);

async function postLines(home: ReturnType<typeof createHome>, lines: string): Promise<{ run: { number: number } }[]> {
  const { request } = await import('node:http');
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
