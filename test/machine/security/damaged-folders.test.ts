import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  jsonValue,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectKeeper } from '#process/keeper-client.ts';
import { readExit, readOutputSize, readStarted, wasLaunched } from '#process/run-folder-reader.ts';
import type { RunView } from '#protocol/answers.ts';
import { addSpeaker, codexSays } from '../../support/agents.ts';
import { ask } from '../../support/api.ts';
import { configure } from '../../support/config.ts';
import { deep } from '../../support/deep.ts';
import { createHome } from '../../support/home.ts';
import { until } from '../../support/until.ts';

// This test starts many real processes, and a busy machine needs more than a minute.
vi.setConfig({ testTimeout: 180_000 });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'clip-records-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Things that may be in the place of one of clip's files. */
const strange: Readonly<Record<string, (path: string) => void>> = {
  'a folder': (path) => mkdirSync(path),
  'a named pipe': (path) => void execFileSync('mkfifo', [path]),
  'a device that never ends': (path) => symlinkSync('/dev/zero', path),
  'a link that goes in circles': (path) => symlinkSync(path, path),
  'a link to nothing': (path) => symlinkSync('/no/such/file', path),
  'a file of a terabyte': (path) => {
    const fd = openSync(path, 'w');
    ftruncateSync(fd, 2 ** 40);
    closeSync(fd);
  },
  'half of a record': (path) => writeFileSync(path, '{"code":0,"sig'),
  nothing: (path) => writeFileSync(path, ''),
};

describe('a record of a run', () => {
  it.each(Object.keys(strange))('that is %s proves nothing, and delays nothing', (what) => {
    const path = folder();
    for (const name of ['exit.json', 'started.json', 'stdout.log']) strange[what]?.(join(path, name));
    expect([readExit(path), readStarted(path), wasLaunched(path)]).toEqual([null, null, false]);
    readOutputSize(path);
  });

  it('that is unreadable for lack of descriptors is not treated as missing', () => {
    const path = folder();
    writeFileSync(join(path, 'exit.json'), JSON.stringify({ code: 0, signal: null, at: 1 }));
    const script = `
      import { openSync } from 'node:fs';
      import { readExit } from '${new URL('../../../src/process/run-folder-reader.ts', import.meta.url).pathname}';
      const seen = [readExit(process.argv[1]).code];
      try { for (;;) openSync('/dev/null'); } catch {}
      try { seen.push(readExit(process.argv[1])); } catch (error) { seen.push(error.code); }
      console.log(JSON.stringify(seen));`;
    const node = `'${process.execPath}' --no-warnings --input-type=module -e "$SCRIPT" '${path}'`;
    const printed = execFileSync('sh', ['-c', `ulimit -n 256; exec ${node}`], {
      encoding: 'utf8',
      env: { ...process.env, SCRIPT: script },
    });
    expect(JSON.parse(printed)).toEqual([0, 'EMFILE']);
  });

  it('that no keeper could have written proves nothing', deep, () => {
    const path = folder();
    const odd = oneof(
      constantFrom<unknown>(0, 7, 255, 256, -1, 1.5, 1e308, null, 'SIGKILL', 'SIGTERM', 'sigterm', '', true, []),
      jsonValue({ maxDepth: 1 }),
      string(),
    );
    const fields = {
      code: odd,
      signal: odd,
      at: odd,
      byDeadline: odd,
      error: oneof(odd, record({ code: odd, message: odd })),
      pid: odd,
      pgid: odd,
      startTime: odd,
      bootId: odd,
    };
    const written = oneof(
      record(fields, { requiredKeys: [] }).map((value) => JSON.stringify(value)),
      jsonValue().map((value) => JSON.stringify(value)),
      string({ unit: 'binary' }),
    );
    let good = 0;
    const well = record({
      code: constantFrom(0, 7, null, 300),
      signal: constantFrom(null, 'SIGKILL'),
      at: integer({ min: 0 }),
      byDeadline: constantFrom(true, false),
    }).map((value) => JSON.stringify(value));
    assert(
      property(
        oneof(
          written,
          well,
          uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
        ),
        (text) => {
          for (const name of ['exit.json', 'started.json']) writeFileSync(join(path, name), text);
          const exit = readExit(path);
          const started = readStarted(path);
          if (exit !== null) {
            good += 1;
            const said = JSON.parse(text) as { code?: number; signal?: string };
            expect([exit.code, exit.signal]).toEqual([said.code, said.signal]);
            expect([exit.code, exit.signal, exit.error].filter((way) => way !== null)).toHaveLength(1);
            expect(() => new Date(exit.at).toISOString()).not.toThrow();
          }
          if (started !== null) expect(started.leader.pid).toBeGreaterThan(1);
        },
      ),
      { numRuns: 500 },
    );
    expect(good).toBeGreaterThan(10);
  });
});

describe('a recovering daemon', () => {
  it('makes up no exit code and ends no live run, whatever is in folders', deep, async () => {
    const home = createHome();
    const kinds = Object.keys(strange);
    configure(home, 'max_runs = 20\n');
    await addSpeaker(home, [[codexSays.session('s1'), codexSays.words('hello')]]);
    for (const _ of kinds) await home.submit(['--', 'sleep', '1000']);
    await home.submit(['--on-loss', 'fail', '--agent', 'coder', 'hello']);
    await home.untilStatus(kinds.length + 1, 'running');
    const ran = (
      await home.json<{ runs: { number: number; id: string; status: string; processPid: number }[] }>([
        'runs',
        '--json',
        '--status',
        'running',
      ])
    ).runs;
    const daemon = home.daemonPid();
    for (const pid of [...home.pidsOf('keeper'), daemon]) await home.kill(pid);
    for (const [index, { id, processPid }] of ran.entries()) {
      process.kill(-processPid, 'SIGKILL');
      const path = join(home.folder, 'runs', id);
      for (const name of ['exit.json', 'started.json', 'stdout.log', 'env.json', 'prompt.txt']) {
        rmSync(join(path, name), { recursive: true, force: true });
        strange[kinds[index % kinds.length] as string]?.(join(path, name));
      }
    }
    const begun = Date.now();
    expect((await home.clip(['daemon', 'start'])).code).toBe(0);
    expect(Date.now() - begun).toBeLessThan(15_000);
    for (const { number } of ran) {
      const { run } = await until('the state of the run is known', async () => {
        const answer = await ask(home.folder, `/v1/runs/${number}`);
        expect(answer.status).toBe(200);
        return answer.json().run.status === 'failed' ? (answer.json() as { run: RunView }) : null;
      });
      expect([number, run.exitCode, run.signal, run.stopReason]).toEqual([number, null, null, 'process_lost']);
      // All of a sparse terabyte would be shown, which is the correct output.
      if ((run.stdoutBytes ?? 0) < 2 ** 30)
        expect((await ask(home.folder, `/v1/runs/${number}/logs`)).status).toBe(200);
    }
    expect((await home.clip(['run', '-q', '--wait', '--', 'true'])).code).toBe(0);
    expect((await home.clip(['wait', ...ran.map(({ number }) => String(number))])).code).toBe(120);
  });

  it('removes a run whose folder became a link, and nothing behind it', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    const { id } = await home.show(1);
    const target = join(home.base, 'target');
    mkdirSync(target);
    writeFileSync(join(target, 'kept'), 'kept');
    rmSync(join(home.folder, 'runs', id), { recursive: true });
    symlinkSync(target, join(home.folder, 'runs', id));
    expect((await home.clip(['rm', '1'])).code).toBe(0);
    expect(readFileSync(join(target, 'kept'), 'utf8')).toBe('kept');
    expect(existsSync(join(home.folder, 'runs', id))).toBe(false);
  });
});

describe('files given to an agent', () => {
  it.each(['a folder', 'a named pipe', 'a device that never ends', 'a file of a terabyte', 'a link to nothing'])(
    'that are %s are refused with a message, and the daemon lives on',
    deep,
    async (what) => {
      const home = createHome();
      const [vars, template, prompt] = ['vars', 'template', 'prompt'].map((name) => join(home.base, name)) as [
        string,
        string,
        string,
      ];
      strange[what]?.(vars);
      strange[what]?.(template);
      if (what !== 'a named pipe') strange[what]?.(prompt);
      await home.clip(['agent', 'add', 'a', '--adapter', 'plain', '--command', 'cat', '--env-from', vars]);
      await home.clip(['agent', 'add', 'b', '--adapter', 'plain', '--command', 'cat', '--prompt-template', template]);
      for (const name of ['a', 'b']) {
        const refused = await home.clip(['run', '--agent', name, 'hello']);
        expect([refused.code, refused.stderr]).toEqual([5, expect.stringMatching(/cannot be read: .*\n/)]);
      }
      const asked = await home.clip(['run', '--agent', 'b', '--prompt-file', prompt]);
      expect([asked.code, asked.stdout]).toEqual([what.includes('ends') || what.includes('tera') ? 5 : 3, '']);
      expect((await home.clip(['run', '-q', '--wait', '--', 'true'])).code).toBe(0);
    },
  );
});

describe('a daemon that connects to a keeper', () => {
  it('is connected, or says that it is not, after any answer', deep, async () => {
    const path = join(folder(), 'keeper.sock');
    let answer: readonly Buffer[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.once('data', () => {
        for (const piece of answer) socket.write(piece);
        socket.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    const leader = { pid: 5, pgid: 5, startTime: 1, bootId: 'b' };
    const good = { type: 'hello', protocol: 1, version: 'x', pid: 3, runs: [{ id: 'r1', leader, at: 1 }] };
    const odd = oneof(constantFrom<unknown>(null, -1, 1e308, '', 'x', [], {}), jsonValue({ maxDepth: 1 }));
    const messages = oneof(
      constantFrom<object>(
        good,
        { type: 'started', id: 'r1', leader, at: 1 },
        { type: 'exited', id: 'r1', code: 0, signal: null, at: 1, byDeadline: false },
        { type: 'exited', id: 'r1', code: 999, signal: null, at: 1, byDeadline: false },
      ),
      record(
        {
          type: constantFrom('hello', 'started', 'exited', 'failed', 'refused', 'already-launched', 'x'),
          id: odd,
          leader: odd,
          at: odd,
          code: odd,
          signal: odd,
          runs: odd,
          pid: odd,
          protocol: odd,
          version: odd,
          why: odd,
        },
        { requiredKeys: ['type'] },
      ),
    ).map((value) => Buffer.from(`${JSON.stringify(value)}\n`));
    let connected = 0;
    await assert(
      asyncProperty(
        array(
          oneof(
            messages,
            uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
          ),
          { maxLength: 5 },
        ),
        async (pieces) => {
          answer = pieces;
          const notices: unknown[] = [];
          await new Promise<void>((resolve) => {
            const hello = { type: 'hello', protocol: 1, generation: 1, version: 'x', managed: true } as const;
            connectKeeper(path, hello, { onNotices: (some) => notices.push(...some), onClose: resolve }).greeted.then(
              (connection) => {
                connected += 1;
                expect(connection.hello.type).toBe('hello');
              },
              (error) => {
                expect(error).toBeInstanceOf(Error);
                resolve();
              },
            );
          });
          for (const notice of notices) {
            const { type, code } = notice as { type: string; code: number | null };
            if (type === 'exited' && code !== null) expect(code >= 0 && code <= 255).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(connected).toBeGreaterThan(5);
    for (const socket of sockets) socket.destroy();
  });
});
