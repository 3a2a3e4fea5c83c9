import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ask } from '../../support/api.ts';
import { deep } from '../../support/deep.ts';
import { entriesOf } from '../../support/files.ts';
import { createHome, type TestHome } from '../../support/home.ts';

// This test starts many real processes, and a busy machine needs more than a minute.
vi.setConfig({ testTimeout: 180_000 });

const kept = 'this must neither be read nor written';
/** Paths out of the folder that an id, a name or a key could name, if it were ever used as a path. */
const waysOut = [
  '../../secret',
  '..',
  '../clip.db',
  '/etc/passwd',
  'runs/../../secret',
  '..\\..\\secret',
  './1',
  '1/../../../secret',
  'secret\0',
  '~',
  'file:///etc/passwd',
];

async function homeWithSecret(): Promise<TestHome> {
  const home = createHome();
  writeFileSync(join(home.base, 'secret'), kept);
  writeFileSync(join(home.base, 'secret.json'), kept);
  await home.clip(['run', '--wait', '--', 'echo', 'hello']);
  await home.clip(['task', 'add', 'Work']);
  return home;
}

/** Sends a request whose path is not normalized on its way. */
function raw(home: TestHome, method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request({ socketPath: join(home.folder, 'clip.sock'), method, path, headers, agent: false });
    sent.on('error', reject).on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.end(body);
  });
}

describe('an id, a name or a key', () => {
  it('never becomes a path, however it is encoded in an address', async () => {
    const home = await homeWithSecret();
    const before = entriesOf(home.base).map(({ path }) => path);
    const twice = (text: string) => encodeURIComponent(encodeURIComponent(text));
    const written = waysOut.flatMap((way) => [
      encodeURIComponent(way).replaceAll('.', '%2e'),
      twice(way),
      encodeURI(way.replaceAll('\0', '%00')),
    ]);
    for (const way of written) {
      const asked: [method: string, path: string, body?: string][] = [
        ['GET', `/v1/runs/${way}`],
        ['GET', `/v1/runs/${way}/logs`],
        ['DELETE', `/v1/runs/${way}`],
        ['POST', `/v1/runs/${way}/retry`, '{}'],
        ['GET', `/v1/agents/${way}`],
        ['PUT', `/v1/agents/${way}`, '{"adapter":"plain","command":"cat","env":{"A":"1"}}'],
        ['DELETE', `/v1/agents/${way}`],
        ['GET', `/v1/tasks/${way}`],
        ['GET', `/v1/tasks/1/documents/${way}`],
        ['PUT', `/v1/tasks/1/documents/${way}`, '{"body":"x"}'],
        ['GET', `/${way}`],
      ];
      for (const [method, path, body] of asked) {
        const { status, text } = await raw(home, method, path, body);
        expect([method, path, status]).toEqual([
          method,
          path,
          expect.toSatisfy((code: number) => code >= 400 && code < 500),
        ]);
        expect(text).not.toContain(kept);
      }
    }
    expect(entriesOf(home.base).map(({ path }) => path)).toEqual(before);
  });

  it('may look like a path, and is only a name', deep, async () => {
    const home = await homeWithSecret();
    const before = readdirSync(home.base);
    const cwd = home.base;
    for (const way of waysOut.filter((each) => !each.includes('\0'))) {
      const body = {
        command: ['true'],
        cwd,
        name: `${way}x`,
        group: way,
        key: way,
        labels: { [way]: way },
        locks: [way],
        parentRunId: way,
        retryOfRunId: way,
      };
      const answer = await ask(home.folder, '/v1/runs', { method: 'POST', body: JSON.stringify(body) });
      expect([way, answer.status]).toEqual([way, 201]);
      expect(answer.json().run.id).toMatch(/^r[a-z0-9]{15}$/);
      expect((await raw(home, 'PUT', `/v1/groups/${encodeURIComponent(way)}`, '{"limit":1}')).status).toBe(200);
    }
    await home.clip(['wait', '2', '3', '4']);
    expect(readdirSync(join(home.folder, 'runs')).every((name) => /^r[a-z0-9]{15}$/.test(name))).toBe(true);
    expect(readdirSync(home.base)).toEqual(before);
    expect(readFileSync(join(home.base, 'secret'), 'utf8')).toBe(kept);
  });

  it('that a client invents for a nested run or a header opens nothing', deep, async () => {
    const home = await homeWithSecret();
    for (const way of ['../../secret', '/etc/passwd', '..']) {
      const answer = await new Promise<number>((resolve, reject) => {
        const sent = request({
          socketPath: join(home.folder, 'clip.sock'),
          path: '/v1/tasks/1/comments',
          method: 'POST',
          headers: { 'clip-run': way, 'clip-run-token': way, 'content-type': 'application/json' },
          agent: false,
        });
        sent.on('error', reject).on('response', (response) => resolve(response.resume().statusCode ?? 0));
        sent.end('{"text":"x"}');
      });
      expect(answer).toBe(201);
    }
  });
});

describe('a file named by a person', () => {
  it('is read through links, and refused if missing or of another kind', deep, async () => {
    const home = await homeWithSecret();
    await home.clip(['agent', 'add', 'echo', '--adapter', 'plain', '--command', 'cat']);
    mkdirSync(join(home.base, 'real'));
    symlinkSync(join(home.base, 'real'), join(home.base, 'link'));
    writeFileSync(join(home.base, 'prompt'), 'from a link');
    symlinkSync(join(home.base, 'prompt'), join(home.base, 'to-prompt'));
    expect((await home.clip(['run', '--wait', '--agent', 'echo', '--prompt-file', 'real/../to-prompt'])).code).toBe(0);
    expect((await home.clip(['logs', '@last'])).stdout).toBe('from a link');
    expect((await home.clip(['run', '--wait', '--cwd', 'link', '--', 'pwd', '-P'])).code).toBe(0);
    expect((await home.clip(['logs', '@last'])).stdout.trim()).toBe(join(home.base, 'real'));
    const cases: [args: string[], code: number, says: RegExp][] = [
      [['run', '--agent', 'echo', '--prompt-file', '../../../no/such'], 3, /no\/such cannot be read/],
      [['run', '--agent', 'echo', '--prompt-file', 'real'], 3, /it is a folder/],
      [['run', '--agent', 'echo', '--prompt-file', '/dev/zero'], 5, /larger than 16 MiB/],
      [['run', '--stdin', '/dev/zero', '--', 'cat'], 2, /no regular file/],
      [['run', '--stdin', 'real', '--', 'cat'], 2, /is a folder/],
      [['run', '--cwd', 'secret', '--', 'pwd'], 3, /is not a folder/],
      [['run', '--cwd', `/${'x'.repeat(300)}`, '--', 'pwd'], 3, /does not exist/],
      [['task', 'doc', 'put', 'T1', '../x', 'secret'], 2, /letters, digits/],
      [['task', 'doc', 'put', 'T1', 'plan', '/dev/zero'], 5, /larger than/],
      [['task', 'doc', 'get', 'T1', '../../secret'], 2, /letters, digits/],
      [['agent', 'add', '../x', '--adapter', 'codex'], 2, /letters, digits/],
      [['agent', 'add', 'm', '--mapping', '/dev/zero'], 2, /larger than/],
    ];
    for (const [args, code, says] of cases) {
      const result = await home.clip(args);
      expect([args, result.code, result.stdout, result.stderr]).toEqual([args, code, '', expect.stringMatching(says)]);
    }
    // A name with NUL cannot be typed, and the API refuses it.
    for (const more of [{ cwd: '/\0' }, { cwd: '/', stdin: { kind: 'file', path: '/etc/passwd\0' } }]) {
      const answer = await ask(home.folder, '/v1/runs', {
        method: 'POST',
        body: JSON.stringify({ command: ['true'], ...more }),
      });
      expect(answer.status).toBe(400);
    }
    expect(existsSync(join(home.base, 'x'))).toBe(false);
  });
});
