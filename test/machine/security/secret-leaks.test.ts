import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { addSpeaker, codexSays } from '../../support/agents.ts';
import { ask } from '../../support/api.ts';
import { deep } from '../../support/deep.ts';
import { entriesOf } from '../../support/files.ts';
import { createHome, type TestHome } from '../../support/home.ts';

// This test starts many real processes, and a busy machine needs more than a minute.
vi.setConfig({ testTimeout: 180_000 });

/** Returns a value that is unique. */
const canary = (name: string) => `canary-${name}-${randomBytes(12).toString('hex')}`;

/**
 * Returns the files of the home that contain one of these values, in any encoding in which a text could be stored, by
 * the name of the value.
 */
function placesOf(home: TestHome, values: Readonly<Record<string, string>>): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { path, kind } of entriesOf(home.folder)) {
    if (kind !== 'file') continue;
    const bytes = readFileSync(path);
    for (const [name, value] of Object.entries(values)) {
      const spellings = [
        Buffer.from(value),
        Buffer.from(value, 'utf16le'),
        Buffer.from(Buffer.from(value).toString('base64').slice(0, -4)),
      ];
      if (!spellings.some((spelling) => bytes.includes(spelling))) continue;
      found[name] = [...(found[name] ?? []), relative(home.folder, path).replace(/r[a-z0-9]{15}/, 'ID')];
    }
  }
  return found;
}

describe('the value of a variable', () => {
  it('is only in files that start runs and agents, while these exist', deep, async () => {
    const home = createHome();
    const values = {
      shell: canary('shell'),
      option: canary('option'),
      agent: canary('agent'),
      file: canary('file'),
      daemon: canary('daemon'),
    };
    await home.clip(['daemon', 'start'], { env: { OF_DAEMON: values.daemon } });
    writeFileSync(join(home.base, 'vars'), `OF_FILE=${values.file}\n`);
    const settings = [
      '--adapter',
      'plain',
      '--command',
      'cat',
      '--env',
      `OF_AGENT=${values.agent}`,
      '--env-from',
      'vars',
    ];
    await home.clip(['agent', 'add', 'helper', ...settings]);
    await home.clip(['run', '--env', `GIVEN=${values.option}`, '--', 'sleep', '1000'], {
      env: { OF_SHELL: values.shell },
    });
    await home.untilStatus(1, 'running');
    const kept = placesOf(home, values);
    expect(kept).toEqual({
      shell: ['runs/ID/env.json'],
      option: ['runs/ID/env.json'],
      agent: [expect.stringMatching(/^agents\/a\w+\.json$/)],
    });
    await home.clip(['run', '--wait', '--agent', 'helper', '--env', `GIVEN=${values.option}`, 'hello']);
    await home.clip(['cancel', '1']);
    await home.clip(['daemon', 'restart']);
    expect(placesOf(home, values)).toEqual({ agent: kept['agent'] });
    await home.clip(['agent', 'rm', 'helper']);
    expect(placesOf(home, values)).toEqual({});
  });

  it('is in no record, log or error of any failure on the way', deep, async () => {
    const home = createHome();
    const values = { shell: canary('shell'), option: canary('option'), stored: canary('stored') };
    const env = { OF_SHELL: values.shell };
    const given = ['--env', `GIVEN=${values.option}`];
    writeFileSync(join(home.base, 'plain-file'), 'x');
    const said: string[] = [];
    const clip = async (...args: string[]) => {
      const { stdout, stderr } = await home.clip(args, { env });
      said.push(stdout, stderr);
    };
    await clip('run', '--wait', ...given, '--', '/no/such/command');
    await clip('run', '--wait', ...given, '--', './plain-file');
    await clip('run', ...given, '--cwd', '/no/such/folder', '--', 'true');
    await clip('run', ...given, '--timeout', 'soon', '--', 'true');
    await clip('run', ...given, '--env', `HUGE=${'x'.repeat(120_000)}`, '--', 'x'.repeat(120_000));
    await clip(
      'agent',
      'add',
      'helper',
      '--adapter',
      'plain',
      '--command',
      'cat',
      '--env',
      `OF_AGENT=${values.stored}`,
    );
    for (const body of [
      { env: { A: `${values.option}\0` } },
      { env: { [`${values.option}=`]: 'x' } },
      { env: { A: [values.option] } },
      { env: values.option },
    ]) {
      const answer = await ask(home.folder, '/v1/runs', {
        method: 'POST',
        body: JSON.stringify({ command: ['true'], cwd: '/', ...body }),
      });
      expect(answer.status).toBe(400);
    }
    for (const text of [
      `{"command":["true"],"cwd":"/","env":{"A":"${values.option}"x}}`,
      `{"env":{"A":"${values.option}`,
      `"${values.option}"x`,
    ]) {
      said.push((await ask(home.folder, '/v1/runs', { method: 'POST', body: text })).text);
      said.push(
        (
          await ask(home.folder, '/v1/batch', {
            method: 'POST',
            body: `{"defaults":${text}}\n`,
            type: 'application/x-ndjson',
          })
        ).text,
      );
      said.push(
        (await ask(home.folder, '/v1/batch', { method: 'POST', body: `${text}\n`, type: 'application/x-ndjson' })).text,
      );
    }
    // These files of clip are damaged. A parser's error message would quote them.
    await clip('queue', 'hold');
    await clip('run', ...given, '--', 'true');
    const { id, number } = (await home.json<{ runs: { id: string; number: number }[] }>(['runs', '--json']))
      .runs[0] as { id: string; number: number };
    writeFileSync(join(home.folder, 'runs', id, 'env.json'), `{"A":"${values.option}"x}`);
    const agentFile = entriesOf(join(home.folder, 'agents')).find(({ kind }) => kind === 'file')?.path ?? '';
    writeFileSync(agentFile, `{"A":"${values.stored}"x}`);
    await clip('queue', 'release');
    await clip('wait', String(number));
    await clip('run', '--agent', 'helper', 'hello');
    await clip('show', String(number), '--json');
    await clip('events');
    expect(said.join('\n')).toContain('The environment stored for this run is damaged.');
    expect(said.join('\n')).toContain('it is damaged');
    for (const value of Object.values(values)) expect(said.join('\n')).not.toContain(value);
    rmSync(agentFile);
    await home.clip(['daemon', 'stop']);
    expect(placesOf(home, values)).toEqual({});
  });

  it('with a secret name is hidden in recorded words of agents', async () => {
    const home = createHome();
    const [shell, option] = [canary('shell'), canary('option')];
    const words = `I use ${shell} and ${option}.`;
    await addSpeaker(home, [
      [
        codexSays.session('s1'),
        codexSays.command('a', `curl -H 'Authorization: ${shell}' http://x`),
        codexSays.words(words),
        { run: `node '${join(import.meta.dirname, '../../../bin/clip.js')}' report next 'try ${option}'` },
        codexSays.failed(`the key ${option} was refused`),
        { exit: 1 },
      ],
    ]);
    await home.clip(['task', 'add', 'Work']);
    await home.clip(['run', '--wait', '--task', 'T1', '--env', `MY_TOKEN=${option}`, '--agent', 'coder', 'go'], {
      env: { SOME_API_KEY: shell },
    });
    const run = await home.show(1);
    expect(run.lastMessage).toBe('I use *** and ***.');
    expect(run.error).toContain('was refused');
    expect((await home.clip(['handoff', 'T1'])).stdout).toContain('curl');
    // The output of a run belongs to it: the log has what was written. The environment is kept while the task is open.
    expect(placesOf(home, { shell, option })).toEqual({
      shell: expect.arrayContaining(['environments/task-1.json', 'runs/ID/stdout.log']),
      option: ['runs/ID/stdout.log'],
    });
    await home.clip(['task', 'done', 'T1']);
    await home.clip(['daemon', 'stop']);
    expect(placesOf(home, { shell, option })).toEqual({
      shell: ['runs/ID/stdout.log'],
      option: ['runs/ID/stdout.log'],
    });
  });
});

describe('a prompt', () => {
  it('is in its file alone, and with --prompt-secret nowhere after the end', deep, async () => {
    const home = createHome();
    const values = {
      prompt: canary('prompt'),
      secret: canary('secret'),
      input: canary('input'),
      words: canary('words'),
    };
    await addSpeaker(home, [[codexSays.session('s1'), codexSays.done(1, 1), { exit: 0 }]]);
    rmSync(join(home.base, 'coder-seen'), { force: true });
    writeFileSync(join(home.base, 'secret'), values.secret);
    await home.clip(['run', '--wait', '--agent', 'coder', values.prompt]);
    await home.clip(['run', '--wait', '--prompt-secret', '--agent', 'coder', '--prompt-file', 'secret']);
    await home.clip(['run', '--wait', '--prompt-secret', '--stdin', '-', '--', 'wc'], { input: values.input });
    await home.clip(['task', 'add', 'Work']);
    await home.clip(['run', '--wait', '--prompt-secret', '--task', 'T1', '--agent', 'coder', values.words]);
    await home.clip(['daemon', 'stop']);
    expect(placesOf(home, values)).toEqual({ prompt: ['runs/ID/prompt.txt'] });
  });
});
