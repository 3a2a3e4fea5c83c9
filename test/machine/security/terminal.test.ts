import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import { addSpeaker, codexSays } from '../../support/agents.ts';
import { ask } from '../../support/api.ts';
import { deep } from '../../support/deep.ts';
import { createHome, type TestHome } from '../../support/home.ts';
import { deceptiveText, hostileText, onTerminal, steering } from '../../support/terminal.ts';

// This test starts many real processes, and a busy machine needs more than a minute.
vi.setConfig({ testTimeout: 180_000 });

/** Creates a home in which every name, message and output contains control sequences for a terminal. */
async function hostileHome(): Promise<TestHome> {
  const home = createHome();
  const must = async (...args: string[]) => {
    const { code, stderr } = await home.clip(args);
    if (code !== 0) throw new Error(`clip ${args.slice(0, 3).join(' ')}: ${stderr}`);
  };
  const work = join(home.base, hostileText.replaceAll('/', ''));
  mkdirSync(work);
  execFileSync('git', ['init', '-q', '-b', 'x\u202e\u009b2J'], { cwd: work });
  writeFileSync(join(work, `file${hostileText.replaceAll('/', '')}`), hostileText);
  writeFileSync(join(home.base, 'note'), `${hostileText}\nsecond line ${hostileText}`);
  const program = join(import.meta.dirname, '../../../bin/clip.js');
  await addSpeaker(home, [
    [
      codexSays.session(`s${hostileText}`),
      codexSays.command('a', `echo ${hostileText}`),
      codexSays.change('b', hostileText),
      codexSays.words(`Done ${hostileText}. Next: write ${hostileText}`),
      {
        run: `node '${program}' report blocked --who "$(cat note)" "$(cat note)"`.replaceAll(
          'note',
          join(home.base, 'note'),
        ),
      },
      codexSays.failed(`it broke ${hostileText}`),
      { exit: 1 },
    ],
  ]);
  await must(
    'agent',
    'edit',
    'coder',
    '--model',
    deceptiveText,
    '--role',
    deceptiveText,
    '--arg',
    hostileText,
    '--timer-prompt',
    hostileText,
  );
  await must(
    'task',
    'add',
    deceptiveText,
    '--assign',
    'coder',
    '--description',
    hostileText,
    '--accept',
    hostileText,
    '--backlog',
  );
  await must('task', 'comment', 'T1', hostileText);
  await must('task', 'doc', 'put', 'T1', 'plan', 'note', '--title', deceptiveText);
  const named = [
    '--name',
    deceptiveText,
    '--group',
    deceptiveText,
    '--label',
    `${deceptiveText}=${deceptiveText}`,
    '--key',
    deceptiveText,
    '--lock',
    deceptiveText,
  ];
  await home.clip(
    ['run', '--wait', ...named, '--cwd', work, '--', 'sh', '-c', 'cat note; cat note >&2; exit 3', hostileText].map(
      (arg) => arg.replace(/cat note/g, `cat ${home.base}/note`),
    ),
  );
  await home.clip(['run', '--wait', '--task', 'T1', '--cwd', work, '--agent', 'coder', hostileText]);
  await home.clip(['run', '--wait', '--cwd', work, '--', `/no/such/${hostileText.replaceAll('/', '')}`]);
  await must('group', 'set', deceptiveText, '--limit', '1');
  await must('task', 'block', 'T1', '--reason', hostileText);
  // Names like these are refused at submission. One that an older version accepted is shown in a harmless form.
  await home.clip(['daemon', 'stop']);
  const database = new Database(join(home.folder, 'clip.db'));
  database
    .prepare(
      "update runs set spec = json_set(spec, '$.name', ?, '$.group', ?, '$.labels', json_object(?, ?), '$.locks', json_array(?)) where number < 3",
    )
    .run(hostileText, hostileText, hostileText, hostileText, hostileText);
  database.prepare('update tasks set title = ?').run(hostileText);
  database.close();
  await home.clip(['daemon', 'start']);
  return home;
}

const verbs: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--json'],
  ['runs'],
  ['runs', '--json'],
  ['runs', '--color', 'never'],
  ['show', '1'],
  ['show', '2'],
  ['show', '2', '--json'],
  ['show', '3'],
  ['logs', '1'],
  ['logs', '1', '-n', '1'],
  ['logs', '-f', '2'],
  ['wait', '1', '2', '3'],
  ['wait', '1', '--json'],
  ['cancel', '1'],
  ['cancel', hostileText],
  ['ledger', 'T1'],
  ['ledger', '--json'],
  ['ledger', '--chart'],
  ['handoff', 'T1'],
  ['handoff', 'T1', '--history'],
  ['handoff', 'T1', '--diff'],
  ['task', 'list'],
  ['task', 'show', 'T1'],
  ['task', 'show', 'T1', '--json'],
  ['task', 'doc', 'list', 'T1'],
  ['task', 'doc', 'get', 'T1', 'plan'],
  ['task', 'doc', 'get', 'T1', hostileText],
  ['task', 'comment', 'T1', hostileText],
  ['task', 'start', hostileText],
  ['agent', 'list'],
  ['agent', 'show', 'coder'],
  ['agent', 'show', 'coder', '--json'],
  ['agent', 'show', hostileText],
  ['agent', 'add', 'x', '--adapter', hostileText],
  ['agent', 'check', 'coder', '--no-ask'],
  ['group', 'list'],
  ['group', 'pause', hostileText],
  ['queue', 'release'],
  ['events'],
  ['daemon', 'status'],
  ['daemon', 'logs'],
  ['doctor'],
  ['retry', '1', '-q'],
  ['rm', hostileText],
  ['help', hostileText],
  [hostileText],
  ['runs', `--${hostileText}`],
  ['run', '--json', '--name', hostileText, '--', 'true'],
  ['run', '--cwd', hostileText, '--', 'true'],
  ['run', '--prompt-file', hostileText, '--agent', 'coder'],
  ['run', '--stdin', hostileText, '--', 'cat'],
  ['run', '--follow', '--', 'printf', `%s\n`, hostileText],
  ['run', '--batch', 'note'],
  ['report', 'next', hostileText],
  ['continue', 'T1', '--agent', hostileText],
];

describe('a terminal', () => {
  it('gets no control sequence from any text, while a pipe gets it unchanged', deep, async () => {
    const home = await hostileHome();
    const piped = await home.json<{ comments: { text: string }[] }>(['task', 'show', 'T1', '--json']);
    expect(piped.comments.map(({ text }) => text)).toContain(hostileText);
    expect(JSON.parse(await onTerminal(home, ['task', 'show', 'T1', '--json']))).toEqual(piped);
    const note = `${hostileText}\nsecond line ${hostileText}`;
    expect((await home.clip(['task', 'doc', 'get', 'T1', 'plan'])).stdout).toBe(`${note}\n`);
    expect((await home.clip(['logs', '1'])).stdout).toBe(note);
    const names = (await home.json<{ runs: { name: string | null }[] }>(['runs', '--json'])).runs.map(
      ({ name }) => name,
    );
    expect(names).toContain(hostileText);

    const all = [...verbs];
    const next = async (): Promise<void> => {
      for (let args = all.shift(); args !== undefined; args = all.shift()) {
        const shown = await onTerminal(home, args);
        expect([args, steering(shown)]).toEqual([args, []]);
        expect([args, shown]).not.toEqual([args, '']);
      }
    };
    await Promise.all([next(), next()]);
    // The output is filtered, not missing: with --raw the bytes are printed.
    expect(steering(await onTerminal(home, ['logs', '--raw', '1'])).length).toBeGreaterThan(10);
  });

  it('gets no control characters in names, because such names are refused', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const bodies = ['name', 'group', 'key'].flatMap((field) =>
      ['\u001b[31m', 'a\u009b2J', 'a\u0007', 'a\r', 'a\b', 'a\u007f'].map((value) => ({ [field]: value })),
    );
    for (const body of [
      ...bodies,
      { labels: { 'a\u009b': 'x' } },
      { labels: { a: '\u009b' } },
      { locks: ['\u001b'] },
    ]) {
      const answer = await ask(home.folder, '/v1/runs', {
        method: 'POST',
        body: JSON.stringify({ command: ['true'], cwd: '/', ...body }),
      });
      expect([body, answer.status, answer.json().error.message]).toEqual([
        body,
        400,
        expect.stringContaining('control characters'),
      ]);
    }
  });
});
