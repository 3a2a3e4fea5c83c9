import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type ReadAt, read, readFrom, readRest } from '#adapters/adapter.ts';
import { http } from '#adapters/http.ts';
import { createLog } from '#http/agent-log.ts';
import { readArguments } from '#http/arguments.ts';
import { Conversation } from '#http/poll.ts';
import type { AgentEvent } from '#run/agent-event.ts';
import { judgeStream } from '#run/stream-outcome.ts';
import { emptyStreamState, fold } from '#run/stream-state.ts';
import { deep } from '../support/deep.ts';
import type { Result } from '../support/home.ts';
import { playAgent, runClipHttp, startClipHttp } from '../support/http-agent.ts';
import { until } from '../support/until.ts';

const at: ReadAt = { at: Date.UTC(2026, 5, 1, 12), timeZone: 'UTC' };

/** Returns the agent events that the adapter reads from a log. */
function readingsOf(text: string, stream: 'stdout' | 'stderr' = 'stdout'): AgentEvent[] {
  const { state, readings } = read(http, readFrom(0), Buffer.from(text), { stream, at });
  return [...readings, ...readRest(http, state, { stream, at }).readings];
}

/** Returns what clip reports about this run: the failure, null for a success, or the outcome by the exit code alone. */
function reportedBy({ stdout, code, signal }: Result) {
  const streamState = fold(emptyStreamState, readingsOf(stdout), at.at);
  if (!http.stream) throw new Error('The adapter has no reader.');
  return judgeStream(streamState, { code, signal }, http.stream);
}

const json = { 'content-type': 'application/json' };
const pending = '{"type":"clip-http.pending"}';
const final = '{"type":"clip-http.final"}';
const ended = (message: string) => JSON.stringify({ status: 'succeeded', message });

describe('clip-http sends a request', () => {
  it('once, with the facts of the run and the unchanged prompt', deep, async () => {
    const agent = await playAgent((_, answer) => answer.writeHead(200, json).end(ended('Done.')));
    const prompt = 'Repair the fence.\n"Quotes", ünïcode 🐎 and $HOME stay.';
    const env = { CLIP_RUN_ID: 'id42', CLIP_TASK: '7', CLIP_CONTINUATION: '1' };
    const result = await runClipHttp(
      [`${agent.url}/work?x=1`, '--agent=ada', '--role=smith', '--model=m1', '--session=s1'],
      { prompt, env },
    );
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(agent.asked).toHaveLength(1);
    const [{ method, path, headers, body } = { method: '', path: '', headers: {}, body: '' }] = agent.asked;
    expect([method, path, headers['content-type'], headers.connection]).toEqual([
      'POST',
      '/work?x=1',
      'application/json',
      'close',
    ]);
    expect(JSON.parse(body)).toEqual({
      run: { id: 'id42' },
      agent: { name: 'ada', role: 'smith', model: 'm1' },
      task: { id: '7' },
      continuation: { attempt: 1 },
      sessionId: 's1',
      prompt,
    });
  });

  it('with null for every unknown fact', deep, async () => {
    const agent = await playAgent((_, answer) => answer.end());
    expect((await runClipHttp([agent.url], { prompt: '' })).code).toBe(0);
    expect(JSON.parse(agent.asked[0]?.body ?? '')).toEqual({
      run: { id: null },
      agent: { name: null, role: null, model: null },
      task: null,
      continuation: null,
      sessionId: null,
      prompt: '',
    });
  });

  it('with secret headers from the environment, found nowhere else', async () => {
    const agent = await playAgent((_, answer) => answer.end());
    // biome-ignore lint/suspicious/noTemplateCurlyInString: clip-http replaces it, not JavaScript
    const args = [agent.url, '--header', 'Authorization=Bearer $TOKEN', '--header', 'X-Both=${TOKEN}/$OTHER/$$5=x'];
    const { child, ended: end } = startClipHttp(args, { prompt: null, env: { TOKEN: 'hidden-1', OTHER: 'two' } });
    const shown = await until(
      'clip-http has started',
      () => /clip-http[\s\S]*TOKEN[\s\S]*/.exec(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'))?.[0],
    );
    expect(shown).not.toContain('hidden-1');
    child.stdin?.end();
    expect(await end).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(agent.asked[0]?.headers).toMatchObject({ authorization: 'Bearer hidden-1', 'x-both': 'hidden-1/two/$5=x' });
  });

  it('with URL credentials as a header, and prints them nowhere', deep, async () => {
    const agent = await playAgent((_, answer) => answer.writeHead(500).end());
    const result = await runClipHttp([`http://ada:secret%21@127.0.0.1:${agent.port}/a?key=secret2`]);
    expect(agent.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ada:secret!').toString('base64')}`);
    expect(result.stdout).toContain(`http://127.0.0.1:${agent.port}/a?… answered 500.`);
    expect(result.stdout + result.stderr).not.toMatch(/secret|ada/);
  });

  it('with another method on request, without a body for GET', deep, async () => {
    const agent = await playAgent((_, answer) => answer.end());
    await runClipHttp([agent.url, '--method', 'put']);
    await runClipHttp([agent.url, '--method', 'GET']);
    expect(agent.asked.map(({ method, body }) => [method, body === ''])).toEqual([
      ['PUT', false],
      ['GET', true],
    ]);
  });
});

describe('the log of an HTTP agent', () => {
  it('has each part of the answer as it arrives', deep, async () => {
    const agent = await playAgent((_, answer) => {
      answer.writeHead(200, { 'content-type': 'application/x-ndjson' });
      answer.write('{"message":"I begin."}\n{"message":"I go');
    });
    const { child, soFar } = startClipHttp([agent.url]);
    await until('the first line is in the log', () => soFar().startsWith('{"message":"I begin."}\n'));
    expect(child.exitCode).toBe(null);
  });

  it('has plain text unchanged, which is a success', deep, async () => {
    const text = 'Hello\r\n  there,\n\nno end of line, ünïcode';
    const agent = await playAgent((_, answer) => answer.end(text));
    const result = await runClipHttp([agent.url]);
    expect(result).toMatchObject({ code: 0, stdout: text, stderr: '' });
    expect(reportedBy(result)).toBe(null);
    expect(fold(emptyStreamState, readingsOf(result.stdout), 0).text).toContain('no end of line');
  });

  it('has a document of many lines on one line', deep, async () => {
    const document = {
      status: 'succeeded',
      message: 'a\nb { "x" }',
      sessionId: 's9',
      model: 'm1',
      usage: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 5, costUsd: 0.25 },
      files: ['a.ts'],
    };
    const agent = await playAgent((_, answer) =>
      answer.writeHead(200, json).end(`\n${JSON.stringify(document, null, 2)}\n\n`),
    );
    const result = await runClipHttp([agent.url]);
    expect([result.code, result.stdout.split('\n').length]).toEqual([0, 2]);
    expect(JSON.parse(result.stdout)).toEqual(document);
    expect(fold(emptyStreamState, readingsOf(result.stdout), 5)).toMatchObject({
      sessionId: 's9',
      model: 'm1',
      text: 'a\nb { "x" }',
      result: { failure: null },
      files: { 'a.ts': { kind: null, times: 1 } },
      meter: { part: { input: 10, cached: 4, output: 5 }, partCostUsd: 0.25 },
    });
  });

  it('has JSON lines unchanged, with their numbers and spaces', deep, async () => {
    const text = '{"a": 12345678901234567890.10}\n{ "status" : "succeeded" }\n';
    const agent = await playAgent((_, answer) => answer.writeHead(200, json).end(text));
    expect(await runClipHttp([agent.url])).toMatchObject({ code: 0, stdout: text });
  });

  it('has text that only begins like a document unchanged', deep, async () => {
    const text = '{ this is\nno JSON }\n';
    const agent = await playAgent((_, answer) => answer.end(text));
    expect(await runClipHttp([agent.url])).toMatchObject({ code: 0, stdout: text });
  });

  it.each([
    ['[12:00:01] starting\n[12:00:02] rea'],
    ['[12:00'],
    ['[INFO] '],
    ['[1/4] Resolving\n'],
    ['[ ] to do\n'],
    ['["a"] b'],
    ['[[1], 2]: x'],
    ['{ this is\n'],
    ['{"a":1} and more\n'],
    ['{"a":1}\nand more'],
    ['{\n"a": 1\n}\nand more'],
    ['\n[notice] x'],
    ['{"an open text\n'],
  ])('has %j at once, as it can no longer become a document', deep, async (text) => {
    const agent = await playAgent((_, answer) => answer.write(text));
    const { child, soFar } = startClipHttp([agent.url]);
    await until('the output is in the log', () => soFar() === text, 10_000);
    expect(child.exitCode).toBe(null);
  });

  it('may exceed the memory: 400 MB pass in less than 200 MB', deep, async () => {
    const megabyte = Buffer.alloc(2 ** 20, 'x');
    const agent = await playAgent((_, answer) => {
      let left = 400;
      // One document whose first text never ends is the worst case for the memory.
      answer.write('{"text":\n"');
      const more = () => {
        while (left > 0) {
          left -= 1;
          if (!answer.write(megabyte)) return void answer.once('drain', more);
        }
        answer.end();
      };
      more();
    });
    const { child, ended: end } = startClipHttp([agent.url]);
    let peak = 0;
    let bytes = 0;
    child.stdout?.removeAllListeners('data');
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      peak = Math.max(peak, peakOf(child.pid ?? 0));
    });
    expect((await end).code).toBe(0);
    expect(bytes).toBe(400 * 2 ** 20 + 10);
    expect(peak).toBeGreaterThan(10 * 2 ** 20);
    expect(peak).toBeLessThan(200 * 2 ** 20);
  });
});

/** Returns the peak memory of a process, or 0 when it has ended. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

describe('an HTTP agent that reports a failure', () => {
  it('fails the run with the error in its answer', deep, async () => {
    const error = { code: 'rate_limited', message: 'Slow down.', retryAfterSec: 90 };
    const agent = await playAgent((_, answer) =>
      answer.writeHead(200, json).end(JSON.stringify({ status: 'failed', message: 'Sorry.', error })),
    );
    const result = await runClipHttp([agent.url]);
    expect(result.code).toBe(1);
    expect(reportedBy(result)).toEqual({
      failure: { class: 'rate_limited', message: 'Slow down.', resetsAt: at.at + 90_000 },
    });
  });

  it.each([
    [401, '{"error":{"message":"Invalid token"}}', 'auth_required', 'answered 401: Invalid token. Check'],
    [403, '', 'auth_required', 'answered 403. Check'],
    [402, '', 'quota_exhausted', 'answered 402.'],
    [404, '<html>not here</html>', null, "answered 404. Check the agent's URL"],
    [429, 'slow down please', 'rate_limited', 'answered 429: slow down please.'],
    [429, '{"message":"You exceeded your current quota"}', 'quota_exhausted', 'exceeded your current quota'],
    [400, '{"error":"prompt is too long"}', 'context_exhausted', 'prompt is too long'],
    [500, 'oops', 'provider_unavailable', 'answered 500: oops.'],
    [503, '', 'provider_unavailable', 'answered 503.'],
  ] as const)('by status %d %s is not asked again and fails as %s', deep, async (status, body, kind, words) => {
    const agent = await playAgent((_, answer) => answer.writeHead(status, { 'retry-after': '120' }).end(body));
    const result = await runClipHttp([agent.url]);
    expect([result.code, agent.asked.length]).toEqual([1, 1]);
    const failure = reportedBy(result)?.failure;
    expect([failure?.class, failure?.resetsAt]).toEqual([kind, at.at + 120_000]);
    expect(failure?.message).toContain(words);
    expect(failure?.message).toContain(agent.url);
  });

  it('in the last line of its stream fails', deep, async () => {
    const agent = await playAgent((_, answer) =>
      answer.end('{"status":"running"}\n{"status":"succeeded"}\n{"status":"failed","error":{"message":"It broke."}}\n'),
    );
    const result = await runClipHttp([agent.url]);
    expect([result.code, reportedBy(result)]).toEqual([
      1,
      { failure: { class: null, message: 'It broke.', resetsAt: null } },
    ]);
  });
});

describe('an unreachable HTTP agent', () => {
  it('is unavailable without a listener, and its address is named', deep, async () => {
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const result = await runClipHttp([`http://127.0.0.1:${port}/a?key=secret`]);
    expect(result.code).toBe(1);
    const failure = reportedBy(result)?.failure;
    expect(failure?.class).toBe('provider_unavailable');
    expect(failure?.message).toBe(
      `http://127.0.0.1:${port}/a?… could not be asked: the connection was refused. Is it running, on this port?`,
    );
  });

  it('is unavailable when it closes the connection without an answer', deep, async () => {
    const agent = await playAgent((_, answer) => answer.destroy());
    const result = await runClipHttp([agent.url]);
    expect([result.code, reportedBy(result)?.failure?.class]).toEqual([1, 'provider_unavailable']);
    expect(result.stdout).toContain('hung up without an answer');
  });

  it.each([
    ['of known length', { 'content-length': '1000' }],
    ['in pieces', {}],
  ])('keeps what it received, and fails, when cut within an answer %s', deep, async (_, headers) => {
    const agent = await playAgent((_asked, answer) => {
      answer.writeHead(200, headers);
      answer.write('I was just about to', () => answer.destroy());
    });
    const result = await runClipHttp([agent.url]);
    expect(result.code).toBe(1);
    expect(result.stdout.split('\n')[0]).toBe('I was just about to');
    const failure = reportedBy(result)?.failure;
    expect([failure?.class, failure?.message]).toEqual([
      'provider_unavailable',
      expect.stringContaining('hung up in the middle of its answer'),
    ]);
  });

  it.each([
    ['{\n  "status": "succeeded",\n  "message": "I was ju'],
    ['{"status":"succ'],
    ['{"message":"I begin."}\n{"status":"succ'],
    ['[1,\n2'],
  ])('keeps what it received, and fails, when cut within %j', deep, async (text) => {
    const agent = await playAgent((_asked, answer) => answer.write(text, () => answer.destroy()));
    const result = await runClipHttp([agent.url]);
    expect([result.code, result.stdout.slice(0, text.length + 1)]).toEqual([1, `${text}\n`]);
    expect(reportedBy(result)?.failure?.message).toContain('hung up in the middle of its answer');
  });

  it.each([
    [['http://us%er:pw@h'], 'The URL has a name or a password'],
    [['http://us:p%w@h'], 'The URL has a name or a password'],
    [['file:///etc/passwd'], 'begins with file:'],
    [['ftp://host/x'], 'begins with ftp:'],
    [['/just/a/path'], 'is not a whole URL'],
    [[], 'One URL is needed'],
    [['http://a', 'http://b'], 'One URL is needed'],
    [['http://a', '--colour', 'red'], "Unknown option '--colour'"],
    [['http://a', '--method', 'BREW'], '--method: BREW is none of'],
    [['http://a', '--poll-interval', '5'], '--poll-interval: "5" is no pause'],
    [['http://a', '--cancel', 'file:///x'], '--cancel begins with file:'],
    [['http://a', '--header', 'Authorization'], '--header: write it like NAME=VALUE'],
    [['http://a', '--header', 'Host=evil'], '--header: host is set by clip-http itself'],
    [['http://a', '--header', 'X=$NOT_THERE'], 'the environment has no variable NOT_THERE'],
    [['http://a', '--header', 'X=a\nb: c'], 'characters that no header may have'],
  ])('has a bad argument when it was started with %j', deep, async (args, words) => {
    const result = await runClipHttp(args);
    expect(result.code).toBe(2);
    expect(reportedBy(result)?.failure?.message).toContain(words);
  });
});

describe('a redirect', () => {
  it.each([
    [301, 'POST'],
    [302, 'GET'],
    [303, 'GET'],
    [307, 'POST'],
    [308, 'POST'],
  ])('%d on the same host is followed with %s and the headers', deep, async (status, method) => {
    const agent = await playAgent(({ path }, answer) =>
      path === '/' ? answer.writeHead(status, { location: '/new' }).end() : answer.end(ended('Here.')),
    );
    const result = await runClipHttp([agent.url, '--header', 'X-Key=k']);
    expect(result.code).toBe(0);
    const second = agent.asked[1];
    expect([second?.method, second?.path, second?.headers['x-key']]).toEqual([method, '/new', 'k']);
    expect(second?.body.includes('Repair the fence.')).toBe(method === 'POST');
  });

  it('to another host is refused, and the other host gets no request', deep, async () => {
    const other = await playAgent((_, answer) => answer.end());
    const agent = await playAgent((_, answer) => answer.writeHead(307, { location: `${other.url}/take?it=all` }).end());
    const result = await runClipHttp([agent.url]);
    expect([result.code, other.asked.length]).toEqual([1, 0]);
    expect(reportedBy(result)?.failure?.message).toContain(`redirects to ${other.url}/take?…, another host`);
  });

  it('to another name of the same port is refused, because its owner is unknown', deep, async () => {
    const agent = await playAgent(({ path }, answer) =>
      answer.writeHead(307, { location: `http://localhost:${agent.port}${path}x` }).end(),
    );
    expect(reportedBy(await runClipHttp([agent.url]))?.failure?.message).toContain('another host');
    expect(agent.asked).toHaveLength(1);
  });

  it('to the same host over TLS is followed', deep, async () => {
    const agent = await playAgent((_, answer) =>
      answer.writeHead(307, { location: `https://127.0.0.1:${agent.port}/` }).end(),
    );
    // The server does not speak TLS, but it receives the request.
    expect(reportedBy(await runClipHttp([agent.url]))?.failure?.message).toContain(
      `https://127.0.0.1:${agent.port}/ could not be asked`,
    );
  });

  it('to a file is refused', deep, async () => {
    const agent = await playAgent((_, answer) => answer.writeHead(302, { location: 'file:///etc/passwd' }).end());
    expect(reportedBy(await runClipHttp([agent.url]))?.failure?.message).toContain('another host');
  });

  it('in a loop is followed five times', deep, async () => {
    const agent = await playAgent((_, answer) => answer.writeHead(307, { location: '/' }).end());
    const result = await runClipHttp([agent.url]);
    expect([result.code, agent.asked.length]).toEqual([1, 6]);
    expect(result.stdout).toContain('redirected more than 5 times');
  });

  it('to nowhere is refused', deep, async () => {
    const agent = await playAgent((_, answer) => answer.writeHead(302).end());
    expect(reportedBy(await runClipHttp([agent.url]))?.failure?.message).toContain(
      'answered 302 without saying where to go',
    );
  });
});

describe('an HTTP agent that answers 202', () => {
  it('is asked again at the given URL until the work has ended', deep, async () => {
    let looks = 0;
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/')
        return answer.writeHead(202, { location: '/runs/1' }).end('{"status":"accepted","sessionId":"s1"}');
      looks += 1;
      if (looks < 3) return answer.writeHead(202, json).end('{"status":"running"}');
      return answer.writeHead(200, json).end(ended('At last.'));
    });
    const result = await runClipHttp([agent.url, '--poll-interval', '100ms', '--header', 'X-Key=k']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(agent.asked.map(({ method, path, headers }) => [method, path, headers['x-key']])).toEqual([
      ['POST', '/', 'k'],
      ['GET', '/runs/1', 'k'],
      ['GET', '/runs/1', 'k'],
      ['GET', '/runs/1', 'k'],
    ]);
    // A status that is repeated appears in the log once.
    expect(result.stdout.trim().split('\n')).toEqual([
      '{"status":"accepted","sessionId":"s1"}',
      pending,
      '{"status":"running"}',
      pending,
      final,
      ended('At last.'),
    ]);
  });

  it.each(['submitted', 'created', 'ok'])('is waited for when it calls its status %s', deep, async (status) => {
    let done = false;
    let looks = 0;
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') return answer.writeHead(202, { location: '/s' }).end(JSON.stringify({ status }));
      looks += 1;
      if (done) return answer.writeHead(200, json).end('{"message":"I could not find out."}');
      return answer.writeHead(202, json).end(JSON.stringify({ status, step: 1 }));
    });
    const { ended: end, soFar } = startClipHttp([agent.url, '--poll-interval', '100ms']);
    await until('the status was requested twice', () => looks > 2);
    expect(soFar()).toBe(
      `${JSON.stringify({ status })}\n${pending}\n${JSON.stringify({ status, step: 1 })}\n${pending}\n`,
    );
    expect(fold(emptyStreamState, readingsOf(soFar()), at.at)).toMatchObject({ background: 1, result: null });
    done = true;
    const result = await end;
    expect(result.code).toBe(0);
    expect(fold(emptyStreamState, readingsOf(result.stdout), at.at)).toMatchObject({
      background: 0,
      result: null,
      text: 'I could not find out.',
    });
    expect(reportedBy(result)).toBe(null);
  });

  it('is waited for when its answer has no status', deep, async () => {
    const agent = await playAgent(({ path }, answer) =>
      path === '/' ? answer.writeHead(202, { location: '/s' }).end() : answer.end('Words.'),
    );
    expect((await runClipHttp([agent.url, '--poll-interval', '100ms'])).stdout).toBe(`${pending}\n${final}\nWords.`);
  });

  it('and ends with the words of an earlier answer has ended', deep, async () => {
    const agent = await playAgent(({ path }, answer) =>
      path === '/' ? answer.writeHead(202, { location: '/s' }).end('{"message":"x"}') : answer.end('{"message":"x"}'),
    );
    expect((await runClipHttp([agent.url, '--poll-interval', '100ms'])).stdout).toBe(
      `{"message":"x"}\n${pending}\n${final}\n`,
    );
  });

  it('and ends within a stream of lines, cut anywhere, has ended', deep, async () => {
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') return answer.writeHead(202, { location: '/s' }).end('{"status":"accepted"}');
      answer.write('{"status":"running"}\n{"message":"Half');
      return setTimeout(
        () =>
          answer.write('way."}\n{"status":"failed","err', () => setTimeout(() => answer.end('or":"No luck."}\n'), 50)),
        50,
      );
    });
    const result = await runClipHttp([agent.url, '--poll-interval', '100ms']);
    const lines = [
      '{"status":"accepted"}',
      pending,
      '{"status":"running"}',
      '{"message":"Halfway."}',
      final,
      '{"status":"failed","error":"No luck."}',
    ];
    expect([result.code, result.stdout]).toEqual([1, `${lines.join('\n')}\n`]);
    expect(reportedBy(result)?.failure?.message).toBe('No luck.');
  });

  it('and no longer responds is no longer waited for', deep, async () => {
    const agent = await playAgent(({ path }, answer) =>
      path === '/' ? answer.writeHead(202, { location: '/s' }).end() : answer.writeHead(410).end(),
    );
    const result = await runClipHttp([agent.url, '--poll-interval', '100ms']);
    expect(fold(emptyStreamState, readingsOf(result.stdout), at.at)).toMatchObject({
      background: 0,
      result: { failure: { class: null } },
    });
  });

  it('may give the status URL in its body, and continue with 200', deep, async () => {
    const answers = [
      '{"status":"queued"}',
      '{"status":"running"}',
      '{"status":"failed","error":{"message":"No luck."}}',
    ];
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') return answer.writeHead(200, json).end('{"status":"queued","statusUrl":"/s?id=1"}');
      return answer.writeHead(200, json).end(answers.shift());
    });
    const result = await runClipHttp([agent.url, '--poll-interval', '100ms']);
    expect([result.code, agent.asked.length, agent.asked[1]?.path]).toEqual([1, 4, '/s?id=1']);
    expect(reportedBy(result)?.failure?.message).toBe('No luck.');
  });

  it('without a status URL has accepted the work without a result', deep, async () => {
    const agent = await playAgent((_, answer) => answer.writeHead(202, json).end('{"status":"accepted"}'));
    expect(await runClipHttp([agent.url])).toMatchObject({ code: 0, stdout: '{"status":"accepted"}\n' });
    expect(agent.asked).toHaveLength(1);
  });

  it('is not asked again before the time that it gave', deep, async () => {
    const times: number[] = [];
    const agent = await playAgent(({ path }, answer) => {
      times.push(Date.now());
      if (path === '/') return answer.writeHead(202, { location: '/s', 'retry-after': '1' }).end();
      if (times.length === 2)
        return answer.writeHead(503, { 'retry-after': new Date(Date.now() + 2_000).toUTCString() }).end();
      return answer.end();
    });
    expect((await runClipHttp([agent.url, '--poll-interval', '100ms'])).code).toBe(0);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(gaps).toHaveLength(2);
    expect(gaps[0]).toBeGreaterThanOrEqual(990);
    // An HTTP date has no fractions of a second.
    expect(gaps[1]).toBeGreaterThanOrEqual(900);
  });

  it('and fails temporarily is asked again, which is reported', deep, async () => {
    let looks = 0;
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') return answer.writeHead(202, { location: '/s' }).end();
      looks += 1;
      if (looks === 1) return answer.destroy();
      if (looks === 2) return answer.writeHead(503).end('busy');
      if (looks === 3) return answer.writeHead(429, { 'retry-after': '0' }).end();
      return answer.end(ended('Back again.'));
    });
    const result = await runClipHttp([agent.url, '--poll-interval', '100ms']);
    expect([result.code, agent.asked.length]).toEqual([0, 5]);
    expect(
      readingsOf(result.stderr, 'stderr').map((reading) => (reading.type === 'retrying' ? reading.attempt : reading)),
    ).toEqual([1]);
    expect(reportedBy(result)).toEqual({ failure: null });
  });

  it('and then does not know the work has failed', deep, async () => {
    const agent = await playAgent(({ path }, answer) =>
      path === '/' ? answer.writeHead(202, { location: '/s' }).end() : answer.writeHead(404).end(),
    );
    const result = await runClipHttp([agent.url, '--poll-interval', '100ms']);
    expect([result.code, agent.asked.length]).toEqual([1, 2]);
    expect(reportedBy(result)?.failure?.message).toContain(`${agent.url}/s answered 404`);
  });

  it('and gives a status URL on another host is refused', deep, async () => {
    const agent = await playAgent((_, answer) => answer.writeHead(202, { location: 'http://other.invalid/s' }).end());
    const result = await runClipHttp([agent.url, '--header', 'X-Key=k']);
    expect([result.code, agent.asked.length]).toEqual([1, 1]);
    expect(reportedBy(result)?.failure?.message).toContain(
      'names a status URL on another host, http://other.invalid/s',
    );
  });

  it.each(['{"cancelUrl":"http://other.invalid/c"}', '{"message":"x"}\n{"cancelUrl":"http://other.invalid/c"}\n'])(
    'with a cancel URL on another host, %j, is refused and logged',
    deep,
    async (text) => {
      const agent = await playAgent((_, answer) => answer.writeHead(202, { location: '/s' }).end(text));
      const result = await runClipHttp([agent.url]);
      expect([result.code, result.stderr, result.stdout.slice(0, text.length)]).toEqual([1, '', text]);
      expect(reportedBy(result)?.failure?.message).toContain('names a cancel URL on another host');
    },
  );

  // A repeated answer would be in the log twice.
  it('and closes within its last answer has failed', deep, async () => {
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') return answer.writeHead(202, { location: '/s' }).end();
      return answer.write('Half of ', () => answer.destroy());
    });
    const result = await runClipHttp([agent.url, '--poll-interval', '100ms']);
    expect([result.code, agent.asked.length]).toEqual([1, 2]);
    expect(result.stdout).toMatch(new RegExp(`^${pending}\n${final}\nHalf of \n.*clip-http.failed`));
  });

  // No part of it is in the log yet.
  it('and closes within a document of many lines is asked again', deep, async () => {
    let looks = 0;
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') return answer.writeHead(202, { location: '/s' }).end();
      looks += 1;
      return looks === 1 ? answer.write('{\n"message": "Ha', () => answer.destroy()) : answer.end(ended('At last.'));
    });
    const result = await runClipHttp([agent.url, '--poll-interval', '100ms']);
    expect([result.code, agent.asked.length, result.stdout]).toEqual([
      0,
      3,
      `${pending}\n${final}\n${ended('At last.')}\n`,
    ]);
  });

  it('and fails for days is reported at once, then once a minute', deep, async () => {
    let looks = 0;
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') return answer.writeHead(202, { location: '/s' }).end();
      looks += 1;
      // One successful answer in between: the next failure is the first of a new series.
      if (looks === 41) return answer.writeHead(202).end();
      return looks < 44 ? answer.writeHead(503).end() : answer.end();
    });
    let clock = at.at;
    const pause = async (ms: number) => {
      clock += ms;
    };
    const out = new PassThrough();
    const complaints = new PassThrough();
    const job = readArguments([agent.url, '--poll-interval', '5s'], {});
    const conversation = new Conversation(job, {
      log: createLog(out),
      complaints: createLog(complaints),
      pause,
      now: () => clock,
    });
    expect(await conversation.run('')).toBe(true);
    const said = readingsOf(String(complaints.read()), 'stderr').map((reading) =>
      reading.type === 'retrying' ? reading.attempt : reading,
    );
    expect(said).toEqual([1, 13, 25, 37, 1]);
  });
});

describe('clip-http, told to stop,', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('calls the cancel URL on %s and exits with %d', deep, async (signal, code) => {
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/cancel') return answer.end();
      return answer.write('Working.\n');
    });
    const {
      child,
      ended: end,
      soFar,
    } = startClipHttp([agent.url, '--cancel', `${agent.url}/cancel`, '--header', 'X-Key=k'], {
      env: { CLIP_RUN_ID: 'id42' },
    });
    await until('clip-http has printed a line', () => soFar() !== '');
    child.kill(signal);
    expect(await end).toMatchObject({ code, stdout: 'Working.\n', stderr: '' });
    const asked = agent.asked[1];
    expect([asked?.method, asked?.path, asked?.headers['x-key']]).toEqual(['POST', '/cancel', 'k']);
    expect(JSON.parse(asked?.body ?? '')).toEqual({ run: { id: 'id42' }, sessionId: null });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'leaves the received part of a document in the log on %s',
    deep,
    async (signal) => {
      const text = '{\n  "message": "I was just ab';
      let sent = false;
      const agent = await playAgent(({ path }, answer) => {
        if (path === '/cancel') return answer.end();
        return answer.write(text, () => {
          sent = true;
        });
      });
      const { child, ended: end } = startClipHttp([agent.url, '--cancel', `${agent.url}/cancel`]);
      // The log does not show that the request has arrived, but it arrives before the answer to the cancel.
      await until('the request was sent', () => sent);
      child.kill(signal);
      expect((await end).stdout).toBe(text);
    },
  );

  it('calls the cancel URL of the answer while it waits for a poll', deep, async () => {
    const agent = await playAgent(({ path }, answer) =>
      path === '/'
        ? answer.writeHead(202, { location: '/s', 'retry-after': '3600' }).end('{"cancelUrl":"/c?x=1"}\n')
        : answer.end(),
    );
    const { child, ended: end, soFar } = startClipHttp([agent.url]);
    await until('the answer is in the log', () => soFar().includes('cancelUrl'));
    child.kill('SIGINT');
    expect((await end).code).toBe(130);
    expect(agent.asked.map(({ path }) => path)).toEqual(['/', '/c?x=1']);
  });

  it('exits within three seconds, whatever the cancel URL does', deep, async () => {
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') answer.write('Working.\n');
    });
    const { child, ended: end, soFar } = startClipHttp([agent.url, '--cancel', `${agent.url}/cancel`]);
    await until('clip-http has printed a line', () => soFar() !== '');
    const before = Date.now();
    child.kill('SIGINT');
    const { code, stderr } = await end;
    expect(Date.now() - before).toBeLessThan(3_000);
    expect([code, agent.asked.length]).toEqual([130, 2]);
    expect(JSON.parse(stderr)).toMatchObject({
      type: 'clip-http.cancel',
      message: expect.stringContaining('it took too long. It may go on'),
    });
    expect(readingsOf(stderr, 'stderr')).toEqual([]);
  });

  it('waits for the answer of its cancel request, even after the end', deep, async () => {
    let working: { end: (text: string) => void } | null = null;
    const agent = await playAgent(({ path }, answer) => {
      if (path === '/') {
        working = answer;
        return answer.write('Working.\n');
      }
      working?.end(JSON.stringify({ status: 'cancelled', message: 'I have stopped.' }));
      return setTimeout(() => answer.end(), 500);
    });
    const { child, ended: end, soFar } = startClipHttp([agent.url, '--cancel', `${agent.url}/cancel`]);
    await until('clip-http has printed a line', () => soFar() !== '');
    child.kill('SIGINT');
    await until('the agent has received the cancel', () => agent.asked.length === 2);
    child.kill('SIGINT');
    child.kill('SIGTERM');
    const result = await end;
    expect([result.code, result.stdout]).toEqual([130, expect.stringContaining('I have stopped.')]);
    expect(agent.asked).toHaveLength(2);
  });

  it('closes the connection when there is no cancel URL', deep, async () => {
    let gone = false;
    const agent = await playAgent((_, answer) => {
      answer.on('close', () => {
        gone = true;
      });
      answer.write('Working.\n');
    });
    const { child, ended: end, soFar } = startClipHttp([agent.url]);
    await until('clip-http has printed a line', () => soFar() !== '');
    child.kill('SIGINT');
    expect((await end).code).toBe(130);
    await until('the agent sees the closed connection', () => gone);
  });

  it('only exits before the prompt has arrived', deep, async () => {
    const agent = await playAgent((_, answer) => answer.end());
    const { child, ended: end } = startClipHttp([agent.url, '--cancel', `${agent.url}/c`], { prompt: null });
    // This is more than a pipe holds. When all of it is written, the program is reading, and its signal handlers are
    // installed.
    await new Promise((resolve) => child.stdin?.write(Buffer.alloc(2 ** 20), resolve));
    child.kill('SIGINT');
    expect((await end).code).toBe(130);
  });

  it('sends no headers to a cancel URL on another host', deep, async () => {
    const other = await playAgent((_, answer) => answer.end());
    const agent = await playAgent((_, answer) => answer.write('Working.\n'));
    const {
      child,
      ended: end,
      soFar,
    } = startClipHttp([agent.url, '--cancel', `${other.url}/c`, '--header', 'X-Key=k']);
    await until('clip-http has printed a line', () => soFar() !== '');
    child.kill('SIGINT');
    expect((await end).code).toBe(130);
    expect(other.asked.map(({ path, headers }) => [path, headers['x-key']])).toEqual([['/c', undefined]]);
  });
});

it('clip-http exits after the answer although the server stays connected', deep, async () => {
  const agent = await playAgent((_, answer) => answer.writeHead(200, { connection: 'keep-alive' }).end('ok'));
  const before = Date.now();
  expect((await runClipHttp([agent.url])).code).toBe(0);
  expect(Date.now() - before).toBeLessThan(4_000);
});
