import type { Command } from 'commander';
import { version } from '../../launch/version.ts';
import type { DaemonAnswer } from '../../protocol/answers.ts';
import { wrongWithBudget } from '../../protocol/budget.ts';
import type { Context } from '../context.ts';
import type { Choose } from '../verb.ts';
import { clean, paint } from '../words.ts';

export function addDoctor(program: Command, choose: Choose): void {
  program
    .command('doctor')
    .description('check everything clip relies on, and say what to do')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => choose({ json: options.json ?? false }, doctor));
}

async function doctor(context: Context): Promise<number> {
  const { examine } = await import('../../doctor/doctor.ts');
  const askDaemon = () =>
    context
      .client(false)
      .call<DaemonAnswer>('GET', '/v1/daemon')
      .catch(() => null);
  const checks = await examine({ home: context.home, env: context.env, version, askDaemon, wrongWithBudget });
  const broken = checks.some(({ state }) => state === 'broken');
  if (context.json) context.printJson({ schema: 1, ok: !broken, checks });
  else {
    const glyphs = {
      ok: paint('✓', 32, context.look),
      absent: paint('–', 90, context.look),
      warning: paint('!', 33, context.look),
      broken: paint('✗', 31, context.look),
    };
    for (const { name, state, says, todo } of checks)
      context.print(`${glyphs[state]} ${name.padEnd(10)} ${clean(says)}${todo === null ? '' : `\n             → ${clean(todo)}`}`);
  }
  return broken ? 1 : 0;
}
