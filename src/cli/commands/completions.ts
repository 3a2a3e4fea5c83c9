import { Argument, type Command } from 'commander';
import { completionScripts, type Shell, shells } from '../completion-scripts.ts';
import type { Choose } from '../verb.ts';

export function addCompletions(program: Command, choose: Choose): void {
  program
    .command('completions')
    .description('a script that completes verbs, options, runs, tasks and agents')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .action((shell: Shell) =>
      choose({}, async ({ print }) => {
        print(completionScripts[shell]);
        return 0;
      }),
    );
}
