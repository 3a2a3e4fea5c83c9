/** @module-tag deep */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Example, examples } from '#cli/help-examples.ts';
import type { RunView } from '#protocol/answers.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { configure } from '../support/config.ts';
import { openHome, type Result } from '../support/home.ts';
import { type Shell, shellIn } from '../support/shell.ts';
import { until } from '../support/until.ts';

const home = openHome();
let shell: Shell;

/** Creates one home that has everything the examples name. */
beforeAll(async () => {
  configure(home, 'max_runs = 20\n');
  shell = shellIn(home, /events -f|--watch/);
  writeFileSync(join(shell.folder, 'runs.jsonl'), '{"command":["make","lint"]}\n{"command":["make","build"]}\n');
  // A service manager that accepts every command. Tests must not use the one of the machine.
  writeFileSync(join(home.base, '.local/bin/systemctl'), '#!/bin/sh\n[ "$2" != is-enabled ] || echo enabled\n', {
    mode: 0o755,
  });
  writeFileSync(join(shell.folder, 'plan.md'), '# Plan\n');
  writeFileSync(join(shell.folder, 'bug.txt'), 'It does not work.\n');
  await addSpeaker(home, [[codexSays.session('s1'), codexSays.words('ready'), codexSays.done(1, 1), { exit: 0 }]]);
  const spoken = join(home.base, 'coder');
  writeFileSync(
    spoken,
    readFileSync(spoken, 'utf8').replace('\n', '\n[ "$1" = --version ] && { echo codex-cli 1.0; exit; }\n'),
  );
  const commands = Array.from({ length: 12 }, (_, n) => (n === 10 ? ['sh', '-c', 'echo hm >&2; exit 3'] : ['true']));
  await home.clip(['run', '--batch', '-', '--wait'], {
    input: commands.map((command) => JSON.stringify({ command })).join('\n'),
  });
  for (const title of ['One', 'Two', 'Three', 'Four'])
    await home.clip(['task', 'add', title, '--assign', 'coder', ...(title === 'One' ? [] : ['--backlog'])]);
  await until('the first run of T1 has settled', async () => (await home.show(13)).settled);
}, 120_000);
afterAll(() => home.dispose(), 60_000);

/** `build` ends soon, and `server` stays. */
const live: Readonly<Record<string, readonly string[]>> = {
  build: ['sh', '-c', 'echo built; sleep 0.5'],
  server: ['sleep', '1000'],
};

/**
 * Prepares the home for an example. Names of live runs are taken, so an example that starts such a run waits until the
 * name is free. All other examples find a live run.
 */
async function prepare(verb: string, line: string): Promise<void> {
  const names = Object.keys(live).filter((name) => new RegExp(`\\b${name}\\b`).test(line));
  for (const name of names) {
    const isLive = async () =>
      (
        await home.asked<{ runs: RunView[] }>(`/v1/runs?live=true&name=${name}`, [
          'runs',
          '--live',
          '--name',
          name,
          '--json',
        ])
      ).runs.length > 0;
    if (verb === '' || verb === 'run') await until(`no ${name} is alive`, async () => !(await isLive()));
    else if (!(await isLive())) await home.submit(['--name', name, '--', ...(live[name] ?? [])]);
  }
}

async function daemonInForeground(line: string): Promise<Result> {
  await home.clip(['daemon', 'stop']);
  const running = shell.paste(line);
  await until('the daemon listens', () => home.listens());
  // The program that the example belongs to receives the signal, as from a service manager.
  process.kill(home.daemonPid(), 'SIGTERM');
  return running;
}

function run(verb: string, line: string): Promise<Result> {
  if (verb === 'daemon run') return daemonInForeground(line);
  // This verb works only inside a run.
  return shell.paste(verb === 'report' ? `clip run --wait -- bash -c '${line}'` : line);
}

const codeOf = (example: Example): number =>
  typeof example === 'string' ? 0 : Number(/^\d+(?=:)/.exec(example[1])?.[0] ?? 0);
const cases = Object.entries(examples)
  // The demo has a test of its own, and takes half a minute.
  .filter(([verb]) => verb !== 'demo')
  .flatMap(([verb, own]) =>
    own.map((example) => ({ verb, line: typeof example === 'string' ? example : example[0], code: codeOf(example) })),
  );

describe('an example of the help works:', () => {
  it.each(cases)('$line', async ({ verb, line, code }) => {
    await prepare(verb, line);
    const result = await run(verb, line);
    expect([result.code, result.stderr]).toEqual([code, expect.not.stringMatching(/Internal error|command not found/)]);
  });
});

/** Returns the first word of each line below a heading of a help text. */
const nested = (help: string): string[] =>
  [...(/\nCommands:\n(.*?)(?=\n\n|$)/s.exec(help)?.[1] ?? '').matchAll(/^ {2}([a-z-]+)/gm)].flatMap(([, name]) =>
    name === undefined ? [] : [name],
  );

describe('every verb', () => {
  it('shows an example below its options, with help and with --help', async () => {
    const without: string[] = [];
    const look = async (path: readonly string[]): Promise<void> => {
      const { stdout } = await home.clip(['help', ...path]);
      // The `help` entry of a group of verbs prints the same text again.
      const verbs = nested(stdout).filter((verb) => path.length === 0 || verb !== 'help');
      if (verbs.length === 0 && !/\nExamples?:\n {2}\S/.test(stdout)) without.push(path.join(' '));
      for (const verb of verbs) await look([...path, verb]);
    };
    await look([]);
    expect(without).toEqual([]);
    expect((await home.clip(['task', 'add', '--help'])).stdout).toContain(
      'Examples:\n  clip task add "Make the tests pass"',
    );
  });
});
