import type { Command } from 'commander';
import { migrationsFolder } from '#launch/launch.ts';
import { version } from '#launch/version.ts';
import type { DaemonAnswer } from '#protocol/answers.ts';
import { wrongWithBudget } from '#protocol/budget.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { clean } from '../terminal/clean.ts';
import { paint } from '../terminal/style.ts';

/** Adds `clip doctor`. */
export function addDoctor(command: Command, register: Register): void {
  command
    .option(
      '--fix',
      'first repair what can be repaired safely: ' +
        'a damaged database, files that others may read, what a dead daemon left',
    )
    .option('--json', 'as JSON')
    .action((options: { fix?: boolean; json?: boolean }) =>
      register(options, (context) => run(context, options.fix ?? false)),
    );
}

async function run(context: Context, fix: boolean): Promise<number> {
  const { doctor } = await import('#doctor/doctor.ts');
  const askDaemon = () =>
    context
      .client(false)
      .call<DaemonAnswer>('GET', '/v1/daemon')
      .catch(() => null);
  const { fixed, checks } = await doctor({
    home: context.home,
    env: context.env,
    version,
    migrations: migrationsFolder(),
    askDaemon,
    wrongWithBudget,
    fix,
  });
  const broken = checks.some(({ state }) => state === 'broken');
  if (context.json) context.printJson({ schema: 1, ok: !broken, checks, ...(fix ? { fixed } : {}) });
  else {
    const glyphs = {
      ok: paint('✓', 'green', context.look),
      absent: paint('–', 'gray', context.look),
      warning: paint('!', 'yellow', context.look),
      broken: paint('✗', 'red', context.look),
    };
    for (const sentence of fixed) context.print(`${paint('+', 'cyan', context.look)} ${clean(sentence)}`);
    if (fix && fixed.length === 0) context.print('There was nothing to repair.');
    for (const { name, state, says, todo } of checks)
      context.print(
        `${glyphs[state]} ${name.padEnd(10)} ${clean(says)}${todo === null ? '' : `\n             → ${clean(todo)}`}`,
      );
  }
  return broken ? 1 : 0;
}
