import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import { addSpeaker, codexSays } from '../../support/agents.ts';
import { ask } from '../../support/api.ts';
import { createHome, type TestHome } from '../../support/home.ts';
import { nasty, onTerminal, sneaky, steering } from '../../support/terminal.ts';

// Many real processes: on a busy machine a minute is not enough.
vi.setConfig({ testTimeout: 180_000 });

/** A home in which everything that can be named, said or written is meant to steer a terminal. */
async function hostileHome(): Promise<TestHome> {
  const home = createHome();
  const must = async (...args: string[]) => {
    const { code, stderr } = await home.clip(args);
    if (code !== 0) throw new Error(`clip ${args.slice(0, 3).join(' ')}: ${stderr}`);
  };
  const work = join(home.base, nasty.replaceAll('/', ''));
  mkdirSync(work);
  execFileSync('git', ['init', '-q', '-b', 'x\u202e\u009b2J'], { cwd: work });
  writeFileSync(join(work, `file${nasty.replaceAll('/', '')}`), nasty);
  writeFileSync(join(home.base, 'note'), `${nasty}\nsecond line ${nasty}`);
  const program = join(import.meta.dirname, '../../../bin/clip.js');
  await addSpeaker(home, [
    [
      codexSays.session(`s${nasty}`),
      codexSays.command('a', `echo ${nasty}`),
      codexSays.change('b', nasty),
      codexSays.words(`Done ${nasty}. Next: write ${nasty}`),
      {
        run: `node '${program}' report blocked --who "$(cat note)" "$(cat note)"`.replaceAll(
          'note',
          join(home.base, 'note'),
        ),
      },
      codexSays.failed(`it broke ${nasty}`),
      { exit: 1 },
    ],
  ]);
  await must('agent', 'edit', 'coder', '--model', sneaky, '--role', sneaky, '--arg', nasty, '--timer-prompt', nasty);
  await must('task', 'add', sneaky, '--assign', 'coder', '--description', nasty, '--accept', nasty, '--backlog');
  await must('task', 'comment', 'T1', nasty);
  await must('task', 'doc', 'put', 'T1', 'plan', 'note', '--title', sneaky);
  const named = [
    '--name',
    sneaky,
    '--group',
    sneaky,
    '--label',
    `${sneaky}=${sneaky}`,
    '--key',
    sneaky,
    '--lock',
    sneaky,
  ];
  await home.clip(
    ['run', '--wait', ...named, '--cwd', work, '--', 'sh', '-c', 'cat note; cat note >&2; exit 3', nasty].map((arg) =>
      arg.replace(/cat note/g, `cat ${home.base}/note`),
    ),
  );
  await home.clip(['run', '--wait', '--task', 'T1', '--cwd', work, '--agent', 'coder', nasty]);
  await home.clip(['run', '--wait', '--cwd', work, '--', `/no/such/${nasty.replaceAll('/', '')}`]);
  await must('group', 'set', sneaky, '--limit', '1');
  await must('task', 'block', 'T1', '--reason', nasty);
  // Names like these are refused at the border; one that got in all the same, by an older version say, is shown as harmless.
  await home.clip(['daemon', 'stop']);
  const database = new Database(join(home.folder, 'clip.db'));
  database
    .prepare(
      "update runs set spec = json_set(spec, '$.name', ?, '$.group', ?, '$.labels', json_object(?, ?), '$.locks', json_array(?)) where number < 3",
    )
    .run(nasty, nasty, nasty, nasty, nasty);
  database.prepare('update tasks set title = ?').run(nasty);
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
  ['cancel', nasty],
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
  ['task', 'doc', 'get', 'T1', nasty],
  ['task', 'comment', 'T1', nasty],
  ['task', 'start', nasty],
  ['agent', 'list'],
  ['agent', 'show', 'coder'],
  ['agent', 'show', 'coder', '--json'],
  ['agent', 'show', nasty],
  ['agent', 'add', 'x', '--adapter', nasty],
  ['agent', 'check', 'coder', '--no-ask'],
  ['group', 'list'],
  ['group', 'pause', nasty],
  ['queue', 'release'],
  ['events'],
  ['daemon', 'status'],
  ['daemon', 'logs'],
  ['doctor'],
  ['retry', '1', '-q'],
  ['rm', nasty],
  ['help', nasty],
  [nasty],
  ['runs', `--${nasty}`],
  ['run', '--json', '--name', nasty, '--', 'true'],
  ['run', '--cwd', nasty, '--', 'true'],
  ['run', '--prompt-file', nasty, '--agent', 'coder'],
  ['run', '--stdin', nasty, '--', 'cat'],
  ['run', '--follow', '--', 'printf', `%s\n`, nasty],
  ['run', '--batch', 'note'],
  ['report', 'next', nasty],
  ['continue', 'T1', '--agent', nasty],
];

describe('a terminal', () => {
  it('gets no control sequence from any name, message or file, whichever verb prints it, while a pipe gets the unchanged text', async () => {
    const home = await hostileHome();
    const piped = await home.json<{ comments: { text: string }[] }>(['task', 'show', 'T1', '--json']);
    expect(piped.comments.map(({ text }) => text)).toContain(nasty);
    expect(JSON.parse(await onTerminal(home, ['task', 'show', 'T1', '--json']))).toEqual(piped);
    const note = `${nasty}\nsecond line ${nasty}`;
    expect((await home.clip(['task', 'doc', 'get', 'T1', 'plan'])).stdout).toBe(`${note}\n`);
    expect((await home.clip(['logs', '1'])).stdout).toBe(note);
    const names = (await home.json<{ runs: { name: string | null }[] }>(['runs', '--json'])).runs.map(
      ({ name }) => name,
    );
    expect(names).toContain(nasty);

    const all = [...verbs];
    const next = async (): Promise<void> => {
      for (let args = all.shift(); args !== undefined; args = all.shift()) {
        const shown = await onTerminal(home, args);
        expect([args, steering(shown)]).toEqual([args, []]);
        expect([args, shown]).not.toEqual([args, '']);
      }
    };
    await Promise.all([next(), next()]);
    // It is the door that keeps it out, and not that nothing is there: asked for raw bytes, they come.
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
