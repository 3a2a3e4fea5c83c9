import { Argument, type Command } from 'commander';
import type { Register } from '../command.ts';
import { completionScripts, type Shell, shells } from '../completion/scripts.ts';

/** Adds `clip completions`. */
export function addCompletions(program: Command, register: Register): void {
  program
    .command('completions')
    .description('a script that completes verbs, options, runs, tasks and agents')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .action((shell: Shell) =>
      register({}, async ({ print }) => {
        print(completionScripts[shell]);
        return 0;
      }),
    );
}
