import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, marked, type TestHome } from '../support/home.ts';
import { playAgent } from '../support/http-agent.ts';
import { until } from '../support/until.ts';

/** Writes a program and returns its path. */
function program(home: TestHome, name: string, text: string): string {
  const path = join(home.base, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('an agent behind HTTP', () => {
  it('gets prompt and header, and logs its answer with session and usage', deep, async () => {
    const home = createHome();
    const answer = {
      status: 'succeeded',
      message: 'Repaired.',
      sessionId: 's-81',
      usage: { inputTokens: 52, outputTokens: 3, costUsd: 0.02 },
      files: ['a.ts'],
    };
    const server = await playAgent(
      (_, reply) => void reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)),
    );
    const options = [
      '--command',
      `${server.url}/run`,
      '--env',
      'TOKEN=hush',
      '--arg',
      '--header',
      '--arg',
      'Authorization=Bearer $TOKEN',
    ];
    expect((await home.clip(['agent', 'add', 'scout', '--adapter', 'http', ...options])).code).toBe(0);
    const waited = await home.clip(['run', '-w', '--json', '--agent', 'scout', 'Repair the fence.']);
    const { run } = JSON.parse(waited.stdout);
    expect(run).toMatchObject({
      status: 'succeeded',
      adapter: 'http',
      sessionIdAfter: 's-81',
      lastMessage: 'Repaired.',
      usage: { inputTokens: 52, outputTokens: 3, costUsd: 0.02 },
      evidence: { filesChanged: 1 },
    });
    expect(server.asked[0]?.headers.authorization).toBe('Bearer hush');
    expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({
      run: { id: run.id },
      agent: { name: 'scout' },
      prompt: 'Repair the fence.',
    });
    expect(JSON.stringify(run.command)).not.toContain('hush');
    expect((await home.clip(['logs', String(run.number)])).stdout).toContain('session s-81');
  });

  it('gets a cancel request when its run is canceled', deep, async () => {
    const home = createHome();
    const server = await playAgent((asked, reply) => {
      if (asked.path === '/cancel') reply.end('{}');
    });
    await home.clip([
      'agent',
      'add',
      'scout',
      '--adapter',
      'http',
      '--command',
      `${server.url}/run`,
      '--arg',
      '--cancel',
      '--arg',
      `${server.url}/cancel`,
    ]);
    const number = await home.submit(['--agent', 'scout', 'x']);
    await until('the server has received the request', () => server.asked.length === 1);
    const { id } = await home.show(number);
    await home.clip(['cancel', String(number)]);
    expect(server.asked.map(({ path }) => path)).toEqual(['/run', '/cancel']);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled' });
    expect(marked(id)).toEqual([]);
  });

  it('that refuses a request fails the run with the matching error code', deep, async () => {
    const home = createHome();
    const server = await playAgent(
      (_, reply) => void reply.writeHead(429, { 'retry-after': '3600' }).end('{"error":{"message":"Slow down."}}'),
    );
    await home.clip(['agent', 'add', 'scout', '--adapter', 'http', '--command', `${server.url}/run`]);
    await home.clip(['run', '-w', '--agent', 'scout', 'x']);
    const run = await home.show('@last');
    expect(run).toMatchObject({
      status: 'failed',
      errorCode: 'rate_limited',
      stopReason: 'rate_limited',
      error: expect.stringContaining('Slow down.'),
    });
    expect(Date.parse(run.resetsAt ?? '') - Date.parse(run.endedAt ?? '')).toBeGreaterThan(3_500_000);
  });
});

describe('a plain agent', () => {
  it('reads the prompt from standard input, and its exit code alone decides', deep, async () => {
    const home = createHome();
    await home.clip(['agent', 'add', 'wc', '--adapter', 'plain', '--command', 'wc', '--arg', '-c']);
    await home.clip(['run', '-w', '--agent', 'wc', '12345678']);
    expect(await home.show('@last')).toMatchObject({
      status: 'succeeded',
      agentName: 'wc',
      evidence: null,
      usage: null,
      sessionIdAfter: null,
    });
    expect((await home.clip(['logs', '@last'])).stdout.trim()).toBe('8');
    await home.clip(['agent', 'add', 'bad', '--adapter', 'plain', '--command', 'false']);
    expect((await home.clip(['run', '-w', '--agent', 'bad', 'x'])).code).toBe(1);
    expect(await home.show('@last')).toMatchObject({
      status: 'failed',
      stopReason: 'adapter_failed',
      errorCode: 'adapter_failed',
      exitCode: 1,
    });
  });

  it('with a mapping is read like any other agent: session, tools, usage, resuming', deep, async () => {
    const home = createHome();
    const says = [
      { event: 'hello', session: 's-1' },
      { event: 'say', text: 'Done as asked.' },
      { event: 'end', ok: true, tokens: { in: 900, out: 50 } },
    ];
    const smith = program(
      home,
      'smith',
      `echo "args: $*" >&2\ncat > "$PWD/read"\n${says.map((line) => `echo '${JSON.stringify(line)}'`).join('\n')}`,
    );
    const mapping = {
      command: 'smith',
      start: { args: ['go'] },
      resume: { args: ['go', '--session', '{{session}}'] },
      permission: { ask: {}, edit: {}, full: { args: ['--yes'] } },
      needsResult: true,
      rules: [
        { when: { event: 'hello' }, session: { id: 'session' } },
        { when: { event: 'say' }, message: { text: 'text' } },
        {
          when: { event: 'end', ok: true },
          tokens: { input: 'tokens.in', output: 'tokens.out', scope: 'part' },
          result: {},
        },
      ],
    };
    writeFileSync(join(home.base, 'smith.json'), JSON.stringify(mapping));
    expect(
      (
        await home.clip([
          'agent',
          'add',
          'smith',
          '--mapping',
          'smith.json',
          '--command',
          smith,
          '--permission',
          'full',
        ])
      ).code,
    ).toBe(0);
    await home.clip(['run', '-w', '--agent', 'smith', 'x']);
    expect(await home.show(1)).toMatchObject({
      status: 'succeeded',
      sessionIdAfter: 's-1',
      lastMessage: 'Done as asked.',
      usage: { inputTokens: 900, outputTokens: 50 },
    });
    await home.clip(['retry', '1']);
    expect(await home.untilStatus(2, 'succeeded')).toMatchObject({ sessionIdBefore: 's-1' });
    expect((await home.clip(['logs', '2', '--stream', 'stderr'])).stdout).toContain('args: go --session s-1 --yes');
    writeFileSync(
      join(home.base, 'bad.json'),
      JSON.stringify({ ...mapping, rules: [{ when: { event: 'x' }, mesage: {} }] }),
    );
    expect(await home.clip(['agent', 'edit', 'smith', '--mapping', 'bad.json'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('mesage'),
    });
  });

  it('from a preset is added by its name, with the limits of what is known of it', async () => {
    const home = createHome();
    const added = await home.clip([
      'agent',
      'add',
      'q',
      '--preset',
      'qwen',
      '--permission',
      'full',
      '--command',
      program(home, 'qwen', 'echo "$@"'),
    ]);
    expect(added.stderr).toContain('Unverified');
    await home.clip(['run', '-w', '--agent', 'q', 'x']);
    expect((await home.clip(['logs', '@last'])).stdout).toContain('--approval-mode yolo');
    expect(await home.clip(['agent', 'add', 'z', '--preset', 'zed'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('qwen, cursor'),
    });
  });

  it('that needs its prompt as a file gets a file with the whole prompt', deep, async () => {
    const home = createHome();
    const reader = program(home, 'reader', 'for last; do :; done; cat "$last"');
    const mapping = {
      command: 'reader',
      prompt: 'file',
      start: { args: ['{{promptFile}}'] },
      text: 'words',
      rules: [],
    };
    writeFileSync(join(home.base, 'm.json'), JSON.stringify(mapping));
    const added = await home.clip(['agent', 'add', 'reader', '--mapping', 'm.json', '--command', reader]);
    expect(added.stderr).not.toContain('clip: ');
    const prompt = 'x'.repeat(200_000);
    const run = await home.clip(['run', '-q', '-w', '--agent', 'reader', '-'], { input: prompt });
    expect(run.code).toBe(0);
    expect((await home.clip(['logs', '--raw', '@last'])).stdout).toBe(prompt);
  });
});
