import type { Command } from 'commander';
import type { Register } from '../command.ts';
import { completionScripts, type Shell, shells } from '../completion/scripts.ts';
import { describeArguments } from './options.ts';

/** Adds `clip completions`. */
export function addCompletions(command: Command, register: Register): void {
  describeArguments(command, 'which shell');
  command.registeredArguments[0]?.choices(shells);
  command.action((shell: Shell) =>
    register({}, async ({ print }) => {
      print(completionScripts[shell]);
      return 0;
    }),
  );
}
