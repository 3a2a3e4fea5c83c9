import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  constantFrom,
  dictionary,
  integer,
  jsonValue,
  oneof,
  record,
  string,
  tuple,
} from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { agentRequest } from '#protocol/agents.ts';
import {
  cancelRequest,
  groupRequest,
  queueRequest,
  reportRequest,
  retryRequest,
  runRequest,
} from '#protocol/requests.ts';
import { commentRequest, continueRequest, documentRequest, editTaskRequest, newTaskRequest } from '#protocol/tasks.ts';
import { deep } from '../../support/deep.ts';
import { createHome, type TestHome } from '../../support/home.ts';

// This test starts many real processes, and a busy machine needs more than a minute.
vi.setConfig({ testTimeout: 180_000 });

type Sent = { readonly method: string; readonly path: string; readonly type?: string; readonly body?: string };

const odd: Arbitrary<unknown> = oneof(
  constantFrom<unknown>(
    null,
    true,
    '',
    '/',
    '/work',
    'x',
    '\0',
    '\u001b[2J',
    '../../x',
    '1s',
    -1,
    0,
    1.5,
    1e308,
    9_007_199_254_740_992,
    [],
    {},
    [[]],
    ['true'],
    { A: '1' },
    'T1',
    'me',
    'x'.repeat(3_000),
  ),
  string({ unit: 'binary', maxLength: 20 }),
  jsonValue({ maxDepth: 2 }),
);

/** Returns bodies that are almost valid: valid fields and some invalid ones. */
function bodies(shape: Readonly<Record<string, unknown>>, good: object): Arbitrary<string> {
  const fields = record(Object.fromEntries([...Object.keys(shape), 'nobody'].map((name) => [name, odd])), {
    requiredKeys: [],
  });
  const damaged = fields.map((some) => JSON.stringify({ ...good, ...some }));
  const few = tuple(constantFrom(...Object.keys(shape)), odd).map(([name, value]) =>
    JSON.stringify({ ...good, [name]: value }),
  );
  return oneof(
    { weight: 3, arbitrary: few },
    damaged,
    jsonValue().map((value) => JSON.stringify(value)),
    string({ unit: 'binary' }),
    constantFrom('', '{', '{"__proto__":1}', '[1e999]', '{"a":1,"a":2}'),
  );
}

const refs = oneof(
  constantFrom(
    '1',
    '2',
    '@last',
    'r',
    '..',
    '%2e%2e',
    '..%2f..%2fsecret',
    '%2fetc%2fpasswd',
    '%00',
    '%',
    '%ff',
    'T1',
    '0',
    '-1',
    '1e3',
    '99999999999999999999',
    '%F0%9F%98%80',
    '__proto__',
    'x%0d%0aX:%20y',
    'a'.repeat(5_000),
  ),
  string({ maxLength: 12 }).map(encodeURIComponent),
);
const queries = array(
  tuple(
    constantFrom(
      'limit',
      'before',
      'status',
      'since',
      'follow',
      'stream',
      'offset',
      'run',
      'for',
      'task',
      'agent',
      'label',
      'history',
      'revision',
      '__proto__',
      'x',
    ),
    oneof(
      constantFrom('1', '0', '-1', '1e9', 'true', 'queued', 'NaN', 'k=v', '', 'Infinity', '1'.repeat(400)),
      string({ maxLength: 6 }).map(encodeURIComponent),
    ),
  ),
  { maxLength: 3 },
).map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`));

const run = { command: ['true'], cwd: '/', env: {} };
const posts: readonly (readonly [method: string, path: (ref: string) => string, body: Arbitrary<string>])[] = [
  ['POST', () => '/v1/runs', bodies(runRequest.shape, run)],
  ['POST', (ref) => `/v1/runs/${ref}/retry`, bodies(retryRequest.shape, {})],
  [
    'POST',
    (ref) => `/v1/runs/${ref}/reports`,
    bodies(reportRequest.shape, { token: 'x', id: '1', kind: 'next', text: 'x' }),
  ],
  ['POST', () => '/v1/cancel', bodies(cancelRequest.shape, { runs: ['1'] })],
  ['PUT', (ref) => `/v1/agents/${ref}`, bodies(agentRequest.shape, { adapter: 'plain', command: 'cat' })],
  ['PATCH', () => '/v1/agents/coder', bodies(agentRequest.shape, {})],
  ['POST', () => '/v1/agents/coder/pause', bodies({ paused: 0, now: 0 }, { paused: true })],
  ['POST', () => '/v1/agents/coder/check', bodies({ env: 0 }, { env: {} })],
  ['PUT', (ref) => `/v1/groups/${ref}`, bodies(groupRequest.shape, { limit: 1 })],
  [
    'PUT',
    () => '/v1/queue',
    bodies(queueRequest.shape, { held: true }).map((body) => body.replace(/"held":false/g, '"held":true')),
  ],
  ['POST', () => '/v1/tasks', bodies(newTaskRequest.shape, { title: 'x', madeIn: '/' })],
  ['PATCH', () => '/v1/tasks/1', bodies(editTaskRequest.shape, { title: 'y' })],
  ['POST', () => '/v1/tasks/1/move', bodies({ move: 0, reason: 0, assignee: 0 }, { move: 'block', reason: 'x' })],
  ['POST', () => '/v1/tasks/1/comments', bodies(commentRequest.shape, { text: 'x' })],
  ['POST', () => '/v1/tasks/1/continue', bodies(continueRequest.shape, { prompt: 'x' })],
  ['PUT', (ref) => `/v1/tasks/1/documents/${ref}`, bodies(documentRequest.shape, { body: 'x' })],
  ['POST', () => '/v1/daemon/stop', constantFrom('[]', '"x"', '{"cancelRuns":"x"}', '{"x":1}', '{')],
  ['POST', () => '/v1/nonsense', bodies({ a: 0 }, {})],
];
const gets = [
  '/v1/runs',
  '/v1/runs/#',
  '/v1/runs/#/logs',
  '/v1/agents',
  '/v1/agents/#',
  '/v1/wait',
  '/v1/events',
  '/v1/groups',
  '/v1/queue',
  '/v1/status',
  '/v1/daemon',
  '/v1/tasks',
  '/v1/tasks/#',
  '/v1/tasks/#/documents',
  '/v1/tasks/#/documents/#',
  '/v1/tasks/#/handoff',
  '/v1/ledger',
  '/#',
];

const asked: Arbitrary<Sent> = oneof(
  {
    weight: 4,
    arbitrary: oneof(
      ...posts.map(([method, path, body]) =>
        tuple(refs, body).map(([ref, text]) => ({ method, path: path(ref), body: text, type: 'application/json' })),
      ),
    ),
  },
  {
    weight: 2,
    arbitrary: tuple(constantFrom(...gets), refs, queries).map(([path, ref, query]) => ({
      method: 'GET',
      path: `${path.replaceAll('#', ref)}${query}`,
    })),
  },
  {
    weight: 1,
    arbitrary: tuple(refs, constantFrom('/v1/runs/#', '/v1/agents/#')).map(([ref, path]) => ({
      method: 'DELETE',
      path: path.replace('#', ref),
    })),
  },
  {
    weight: 1,
    arbitrary: array(
      oneof(
        bodies({ ...runRequest.shape, timeout: 0, maxOutput: 0, defaults: 0 }, run),
        constantFrom('{"defaults":{"cwd":"/"}}', '{"defaults":1}'),
      ),
      { maxLength: 6 },
    ).map((lines) => ({
      method: 'POST',
      path: '/v1/batch',
      type: 'application/x-ndjson',
      body: lines.join('\n'),
    })),
  },
  {
    weight: 1,
    arbitrary: tuple(
      constantFrom('text/plain', 'application/xml', 'application/json; charset=x', 'a/b', 'application/x-ndjson'),
      string(),
      integer({ min: 0, max: 3 }),
    ).map(([type, body, n]) => ({
      method: ['POST', 'PUT', 'PATCH', 'DELETE'][n] ?? 'POST',
      path: '/v1/runs',
      type,
      body,
    })),
  },
);

/** Sends a request. Returns the head of the answer and its body, or the first piece of a stream. */
function send(
  home: TestHome,
  { method, path, type, body }: Sent,
): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const sent = request({ socketPath: join(home.folder, 'clip.sock'), method, path, headers, agent: false });
    sent.on('error', reject);
    sent.on('response', (answer) => {
      let text = '';
      const over = () =>
        resolve({ status: answer.statusCode ?? 0, type: String(answer.headers['content-type']), text });
      answer.on('data', (chunk) => {
        text += chunk;
        if (!String(answer.headers['content-type']).includes('ndjson') || path === '/v1/batch') return;
        answer.destroy();
        over();
      });
      // A followed stream may stay empty.
      if (path.includes('follow=true') && String(answer.headers['content-type']).includes('ndjson')) answer.destroy();
      answer.on('close', over);
    });
    sent.end(body);
  });
}

/** Creates a home in which no run starts, but that has everything a request can name. */
async function quietHome(): Promise<TestHome> {
  const home = createHome();
  await home.clip(['run', '--wait', '--', 'echo', 'hello']);
  await home.clip(['queue', 'hold']);
  await home.clip(['agent', 'add', 'coder', '--adapter', 'plain', '--command', 'cat']);
  await home.clip(['task', 'add', 'Work', '--assign', 'coder', '--backlog']);
  return home;
}

describe('every request to the API', () => {
  it('is answered in one format, and never with an internal error', deep, async () => {
    const home = await quietHome();
    const pid = home.daemonPid();
    const codes = new Set<string>();
    await assert(
      asyncProperty(asked, async (sent) => {
        const answer = await send(home, sent);
        expect([sent, answer.status]).toEqual([
          sent,
          expect.toSatisfy((status: number) => status >= 200 && status < 500),
        ]);
        const errors =
          answer.status >= 400
            ? [JSON.parse(answer.text).error]
            : sent.path === '/v1/batch'
              ? answer.text.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line).error ?? [])))
              : [];
        for (const error of errors) {
          codes.add(error.code);
          expect(error).toEqual({
            code: expect.any(String),
            message: expect.stringMatching(/\.$/),
            hint: expect.toSatisfy((hint) => hint === null || typeof hint === 'string'),
          });
          expect(['internal', 'failed']).not.toContain(error.code);
        }
      }),
      { numRuns: 1_000 },
    );
    expect([...codes]).toEqual(expect.arrayContaining(['usage', 'not_found', 'refused']));
    expect(home.daemonPid()).toBe(pid);
    expect(readFileSync(join(home.folder, 'daemon.log'), 'utf8')).not.toMatch(/"level":"error"/);
    expect((await home.clip(['run', '-q', '--', 'true'])).code).toBe(0);
  });

  it('with any header, method or address is handled', async () => {
    const home = await quietHome();
    const names = [
      'clip-run',
      'clip-run-token',
      'content-encoding',
      'expect',
      'range',
      'accept',
      'cookie',
      'upgrade',
      'x',
    ];
    await assert(
      asyncProperty(
        dictionary(
          constantFrom(...names),
          oneof(
            string({ maxLength: 20 }).map(encodeURIComponent),
            constantFrom('gzip', '100-continue', 'bytes=0-', '../../x'),
          ),
          { maxKeys: 3 },
        ),
        refs,
        (headers, ref) =>
          new Promise<void>((resolve, reject) => {
            const sent = request({
              socketPath: join(home.folder, 'clip.sock'),
              method: 'GET',
              path: `/v1/runs/${ref}`,
              headers,
              agent: false,
            });
            sent.on('error', reject);
            sent.on('upgrade', (_answer, socket) => resolve(void socket.destroy()));
            sent.on('response', (answer) => {
              answer.resume().on('close', resolve);
              if ((answer.statusCode ?? 500) >= 500)
                reject(new Error(`${answer.statusCode} for ${JSON.stringify({ headers, ref })}`));
            });
            sent.end();
          }),
      ),
      { numRuns: 200 },
    );
    expect((await home.clip(['show', '1'])).code).toBe(0);
  });
});
