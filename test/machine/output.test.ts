import { createHash, type Hash } from 'node:crypto';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { agent, createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const node = process.execPath;

async function digest(chunks: AsyncIterable<Buffer>): Promise<{ sha256: string; bytes: number }> {
  const hash: Hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** Returns the bytes that floods.mjs writes. */
async function* flood(total: number): AsyncGenerator<Buffer> {
  const block = Buffer.alloc(65_536);
  for (let i = 0; i < block.length; i += 1) block[i] = i % 80 === 79 ? 10 : 33 + ((i * 7) % 90);
  for (let done = 0; done < total; done += block.length) yield block.subarray(0, Math.min(block.length, total - done));
}

/** Returns the digest of a command's output, which is read as a stream. */
async function digestOf(home: TestHome, args: readonly string[]): Promise<{ sha256: string; bytes: number }> {
  const child = home.start(args);
  if (child.stdout === null) throw new Error('There is no stdout.');
  return digest(child.stdout as AsyncIterable<Buffer>);
}

const numbered = (from: number, to: number, word = 'line') =>
  Array.from({ length: to - from + 1 }, (_, i) => `${word} ${from + i}\n`).join('');

describe('the output of a run', () => {
  it('of 200 MB is kept byte for byte, and shown unchanged by logs --raw', async () => {
    const home = createHome();
    const total = 200_000_000;
    expect((await home.clip(['run', '--wait', '--', node, agent('floods.mjs'), String(total)])).code).toBe(0);
    const run = await home.show(1);
    const wanted = await digest(flood(total));
    expect(run.stdoutBytes).toBe(total);
    expect(await digest(createReadStream(run.stdoutPath))).toEqual(wanted);
    expect(await digestOf(home, ['logs', '1', '--raw'])).toEqual(wanted);
    expect(await digestOf(home, ['logs', '1', '--raw', '--follow'])).toEqual(wanted);
  });

  it('followed from its beginning has every byte of 50 MB once', deep, async () => {
    const home = createHome();
    const total = 50_000_000;
    const number = await home.submit(['--', node, agent('floods.mjs'), String(total)]);
    expect(await digestOf(home, ['logs', String(number), '--raw', '-f'])).toEqual(await digest(flood(total)));
  });

  it('goes to stdout and stderr separately, and each can be shown alone', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'sh', '-c', 'echo good; echo bad >&2; printf "no end"']);
    const both = await home.clip(['logs', '1']);
    const out = await home.clip(['logs', '1', '--stream', 'stdout']);
    const err = await home.clip(['logs', '1', '--stream', 'stderr']);
    expect([both.stdout, both.stderr]).toEqual(['good\nno end', 'bad\n']);
    expect([out.stdout, out.stderr]).toEqual(['good\nno end', '']);
    expect([err.stdout, err.stderr]).toEqual(['bad\n', '']);
    expect(await home.show(1)).toMatchObject({ stdoutBytes: 11, stderrBytes: 4 });
  });

  it('keeps its true order in one file with --merge-output', deep, async () => {
    const home = createHome();
    const script = 'i=1; while [ $i -le 500 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done';
    await home.clip(['run', '--wait', '--merge-output', '--', 'sh', '-c', script]);
    const run = await home.show(1);
    const wanted = Array.from({ length: 500 }, (_, i) => `out ${i + 1}\nerr ${i + 1}\n`).join('');
    const logs = await home.clip(['logs', '1']);
    expect([run.stderrPath, run.stderrBytes, logs.stdout, logs.stderr]).toEqual([null, null, wanted, '']);
    expect(readFileSync(run.stdoutPath, 'utf8')).toBe(wanted);
  });

  it('that is not text is shown byte for byte', deep, async () => {
    const home = createHome();
    const bytes = Buffer.concat([
      Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
      Buffer.from('\x1b[31mred\x1b[0m \xff\xfe end', 'latin1'),
    ]);
    const file = join(home.base, 'bytes');
    writeFileSync(file, bytes);
    await home.clip(['run', '--wait', '--', 'cat', file]);
    expect(await digestOf(home, ['logs', '1', '--raw'])).toEqual(await digest(createReadStream(file)));
    // The output is not a terminal, so nothing is cleaned or cut.
    expect(await digestOf(home, ['logs', '1'])).toEqual(await digest(createReadStream(file)));
  });
});

describe('logs -n', () => {
  it('shows the last lines: none, one, some, all of them', deep, async () => {
    const home = createHome();
    await home.clip([
      'run',
      '--wait',
      '--',
      'sh',
      '-c',
      'i=1; while [ $i -le 30 ]; do echo "line $i"; i=$((i+1)); done',
    ]);
    const tails = await Promise.all([0, 1, 7, 30, 100].map((n) => home.clip(['logs', '1', '-n', String(n)])));
    expect(tails.map(({ stdout }) => stdout)).toEqual([
      '',
      'line 30\n',
      numbered(24, 30),
      numbered(1, 30),
      numbered(1, 30),
    ]);
  });

  it('counts a last line without a line break as a line', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'printf', 'one\\ntwo\\nthree']);
    const tails = await Promise.all([1, 2].map((n) => home.clip(['logs', '1', '-n', String(n)])));
    expect(tails.map(({ stdout }) => stdout)).toEqual(['three', 'two\nthree']);
  });

  it('continues from there with -f', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const number = await home.submit([
      '--',
      'sh',
      '-c',
      `echo one; echo two; exec ${agent('waits-for-a-file.sh')} ${gate}`,
    ]);
    const { stdoutPath } = await home.untilStatus(number, 'running');
    await until('the run has printed its first line', () => readFileSync(stdoutPath, 'utf8').includes('ready\n'));
    const child = home.start(['logs', String(number), '-n', '1', '-f']);
    const result = home.resultOf(child);
    const seen: string[] = [];
    child.stdout?.on('data', (chunk) => seen.push(String(chunk)));
    await until('the last line is in the log', () => seen.join('') === 'ready\n');
    writeFileSync(gate, '');
    expect((await result).stdout).toBe('ready\ndone\n');
  });
});

describe('logs -f', () => {
  it('follows a live run to its end, and exits with the run’s exit code on request', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--', node, agent('talks.mjs'), '40', '25', '3']);
    const [plain, coded] = await Promise.all([
      home.clip(['logs', String(number), '-f']),
      home.clip(['logs', String(number), '-f', '--exit-code']),
    ]);
    expect([plain.code, plain.stdout]).toEqual([0, numbered(1, 40)]);
    expect([coded.code, coded.stdout]).toEqual([3, numbered(1, 40)]);
  });

  it('shows all output of an ended run, and ends at once', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', node, agent('talks.mjs'), '10', '1', '3']);
    const { code, stdout, stderr } = await home.clip(['logs', '1', '-f', '--exit-code']);
    expect([code, stdout, stderr]).toEqual([3, numbered(1, 10), '']);
  });

  it('begins with a run that is still queued', deep, async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    const number = await home.submit(['--', node, agent('talks.mjs'), '5', '1', '0']);
    const child = home.start(['logs', String(number), '-f']);
    const result = home.resultOf(child);
    let notice = '';
    child.stderr?.on('data', (chunk) => {
      notice += chunk;
    });
    await until('the notice says that the run is queued', () => notice.includes('is queued'));
    await home.clip(['queue', 'release']);
    expect((await result).stdout).toBe(numbered(1, 5));
  });

  it('continues when the daemon is killed, with every line once', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--', node, agent('talks.mjs'), '80', '50', '6']);
    const child = home.start(['logs', String(number), '-f', '--exit-code']);
    const result = home.resultOf(child);
    let shown = '';
    child.stdout?.on('data', (chunk) => {
      shown += chunk;
    });
    await until('the output shows lines', () => shown.includes('line 3\n'));
    await home.kill(home.daemonPid());
    expect(await result).toMatchObject({ code: 6, stdout: numbered(1, 80) });
  });

  it('is what run --follow does, with stdout and stderr kept apart', deep, async () => {
    const home = createHome();
    const { code, stdout, stderr } = await home.clip([
      'run',
      '--follow',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 9',
    ]);
    expect([code, stdout]).toEqual([9, 'out\n']);
    expect(stderr).toMatch(/^Run 1\nerr\nRun 1 .*failed/);
  });
});
