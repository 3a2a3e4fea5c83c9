/** @module-tag deep */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHome, resultOf, type TestHome } from '../support/home.ts';
import { onTerminal, steering } from '../support/terminal.ts';

/** The path of a browser, or null where none is installed. .ci/run installs one. */
const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);

const event = (value: object) => `${JSON.stringify(value)}\n`;
const says = (text: string) => event({ type: 'item.completed', item: { id: 'm', type: 'agent_message', text } });

/** Adds an agent that speaks as codex does and prints this message. */
async function addAgent(home: TestHome, said: string): Promise<void> {
  const [log, command] = [join(home.base, 'said.jsonl'), join(home.base, 'agent.sh')];
  writeFileSync(log, said);
  writeFileSync(command, `#!/bin/sh\ncat > /dev/null\ncat '${log}'\n`);
  chmodSync(command, 0o755);
  const added = await home.clip([
    'agent',
    'add',
    'coder',
    '--adapter',
    'codex',
    '--command',
    command,
    '--cwd',
    home.base,
  ]);
  expect(added.code, added.stderr).toBe(0);
}

const done = event({ type: 'turn.completed', usage: { input_tokens: 1_200, output_tokens: 34 } });

describe('the log of an agent', () => {
  const said = [
    event({ type: 'thread.started', thread_id: 'thread-1' }),
    event({
      type: 'item.completed',
      item: {
        id: '1',
        type: 'command_execution',
        command: 'make test',
        aggregated_output: 'one\ntwo\n',
        exit_code: 2,
        status: 'completed',
      },
    }),
    says('The **tests** fail; the key is hush-hush-1234.'),
    done,
  ].join('');

  it('is readable text in a pipe and on a terminal, and --raw is the bytes', async () => {
    const home = createHome({ env: { SOME_TOKEN: 'hush-hush-1234' } });
    await addAgent(home, said);
    await home.clip(['run', '--agent', 'coder', '--wait', 'go']);
    const text = [
      'session thread-1',
      '$ make test → exit 2',
      '    one',
      '    two',
      '',
      'The tests fail; the key is ***.',
      '',
      '✓ done · used 1200 in, 34 out by the session so far',
      '',
    ];
    expect((await home.clip(['logs', '1', '--rendered'])).stdout.split('\n')).toEqual(text);
    expect((await home.clip(['logs', '1', '--rendered', '-f'])).stdout.split('\n')).toEqual(text);
    expect((await home.clip(['logs', '1', '--rendered', '-n', '2'])).stdout).toBe(
      '\n✓ done · used 1200 in, 34 out by the session so far\n',
    );
    expect((await home.clip(['logs', '1', '--raw'])).stdout).toBe(said);
    expect((await home.clip(['logs', '1'])).stdout.split('\n')).toEqual(text);
    const shown = await onTerminal(home, ['logs', '1'], { NO_COLOR: '1' });
    expect(shown.split('\n')).toEqual(text);
    expect(await onTerminal(home, ['logs', '1', '--raw'])).toBe(said);
    expect((await home.clip(['logs', '1', '--raw', '--rendered'])).code).toBe(2);
  });

  it("that is compressed is text as well, and a plain command's is as it was", async () => {
    const home = createHome();
    await addAgent(home, said);
    await home.clip(['run', '--agent', 'coder', '--wait', 'go']);
    await home.clip(['run', '--wait', '--', 'printf', '{"type":"x"}\\n']);
    const { stdoutPath } = await home.show(1);
    expect(spawnSync('gzip', [stdoutPath]).status).toBe(0);
    expect((await home.clip(['logs', '1', '--rendered'])).stdout).toContain('$ make test → exit 2\n');
    const plain = await home.clip(['logs', '2', '--rendered']);
    expect([plain.stdout, plain.stderr]).toEqual([
      '{"type":"x"}\n',
      'Run 2 has no stream of events that clip could read; its output is shown as it is.\n',
    ]);
  });
});

describe('a report as an HTML page', () => {
  const evil = '</title><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">"\'&';

  it('holds ledger, timeline, summary, comments and logs for the owner', async () => {
    const home = createHome({ env: { SOME_TOKEN: 'hush-hush-1234' } });
    await addAgent(home, `${says('Done: hush-hush-1234.')}${done}`);
    await home.clip(['task', 'add', 'Mend it', '--accept', 'it *works*']);
    await home.clip(['run', '--agent', 'coder', '--task', 'T1', '--wait', 'go']);
    await home.clip(['task', 'comment', 'T1', 'Looks **good**.']);
    const file = join(home.base, 'report.html');
    const made = await home.clip(['report-html', file, '--task', 'T1']);
    expect(made.stdout, made.stderr).toContain(`${file}: 1 run`);
    const page = readFileSync(file, 'utf8');
    for (const part of [
      '<h1>T1  Mend it</h1>',
      '<svg',
      'Continuation summary',
      'Looks <strong>good</strong>.',
      'it <em>works</em>',
      '<details id="run-1">',
      'Done: ***.',
    ])
      expect(page).toContain(part);
    expect(page).not.toContain('hush-hush-1234');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = await home.clip(['report-html', file, '--task', 'T1']);
    expect([again.code, again.stderr]).toEqual([5, expect.stringContaining('There is a file')]);
    chmodSync(file, 0o644);
    expect((await home.clip(['report-html', file, '--force', '--json'])).code).toBe(0);
    expect([readFileSync(file, 'utf8').includes('<h1>Runs and tasks</h1>'), statSync(file).mode & 0o777]).toEqual([
      true,
      0o600,
    ]);
  });

  it.skipIf(browser === undefined)(
    `opens in a browser, and scripts in texts of others do not run${browser === undefined ? ' (no chromium here)' : ''}`,
    async () => {
      const asked: string[] = [];
      const server = createServer((request, response) => {
        asked.push(request.url ?? '');
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
      const outside = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const home = createHome();
      const hostile = `${evil} ![picture](${outside}/picture) <link rel="stylesheet" href="${outside}/style"> [go](javascript:alert(1))`;
      await addAgent(home, `${says(hostile)}${done}`);
      expect((await home.clip(['task', 'add', evil, '--description', hostile])).code).toBe(0);
      await home.clip(['run', '--agent', 'coder', '--task', 'T1', '--wait', 'go']);
      await home.clip(['task', 'comment', 'T1', hostile]);
      const file = join(home.base, 'report.html');
      expect((await home.clip(['report-html', file, '--task', 'T1'])).code).toBe(0);
      const options = [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--enable-logging=stderr',
        '--v=0',
        `--user-data-dir=${join(home.base, 'browser')}`,
      ];
      const child = spawn(browser ?? '', [...options, '--dump-dom', `file://${file}`], {
        env: { ...home.env, HOME: home.base },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const { code, stdout: dom, stderr } = await resultOf(child);
      expect(code, stderr).toBe(0);
      // The browser's own messages: a script that was refused would appear here.
      expect(stderr.split('\n').filter((line) => line.includes('CONSOLE'))).toEqual([]);
      expect(dom).toContain('<title>T1  &lt;/title&gt;&lt;script&gt;');
      expect(dom).not.toMatch(/<(script|img|iframe|object|embed|link rel="stylesheet")/i);
      expect(dom).not.toMatch(/<[^>]* on\w+=|href="javascript/i);
      expect(asked).toEqual([]);
    },
  );
});

describe('a ledger or handoff', () => {
  it('wraps and charts on a terminal, and stays Markdown in a pipe', async () => {
    const home = createHome();
    await addAgent(home, `${says('Done.')}${done}`);
    await home.clip(['task', 'add', 'Mend it']);
    await home.clip(['run', '--agent', 'coder', '--task', 'T1', '--wait', 'go']);
    const chart = (await home.clip(['ledger', '--chart'])).stdout;
    expect(chart).toMatch(/Runs per agent\ncoder █+ 1\n/);
    expect(chart).toMatch(/Spend per agent\ncoder unknown\n/);
    expect((await home.clip(['handoff', 'T1'])).stdout).toMatch(/^# Continuation summary\n/);
    const shown = await onTerminal(home, ['handoff', 'T1'], { FORCE_HYPERLINK: '1' });
    expect(shown).toContain('\u001b[1mContinuation summary');
    expect(shown).toContain(`\u001b]8;;file://${home.base}\u001b\\`);
    const withoutLinks = shown
      .split('\u001b]8;;')
      .map((part, index) => (index === 0 ? part : part.slice(part.indexOf('\u001b\\') + 2)));
    expect(steering(withoutLinks.join(''))).toEqual([]);
    expect(await onTerminal(home, ['handoff', 'T1', '--diff'])).toContain(
      '\u001b[32m+ # Continuation summary\u001b[0m',
    );
    expect(await onTerminal(home, ['handoff', 'T1'], { TERM: 'xterm' })).not.toContain(']8;;');
  });
});
