import type { Command } from 'commander';
import { didYouMean } from '#run/did-you-mean.ts';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import { errorsText, exitCodesText } from '../exit-codes.ts';

/** Adds `clip help`. */
export function addHelp(command: Command, register: Register): void {
  command.action((topic: string[]) =>
    register({}, async ({ print }) => {
      const [first] = topic;
      if (first === 'exit-codes') print(exitCodesText);
      else if (first === 'errors') print(errorsText());
      else commandAt(command.parent ?? command, topic).outputHelp();
      return 0;
    }),
  );
}

/** Returns the command of a path like `task doc put`. */
function commandAt(program: Command, path: readonly string[]): Command {
  let here = program;
  for (const [depth, word] of path.entries()) {
    const next = here.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (!next) throw noHelpOn(here, path.slice(0, depth + 1));
    here = next;
  }
  return here;
}

function noHelpOn(here: Command, path: readonly string[]): ClipError {
  const known = here.commands.map((each) => each.name());
  const word = path.at(-1) ?? '';
  return new ClipError(
    'usage',
    `There is no help on ${path.join(' ')}.`,
    path.length === 1
      ? didYouMean(word, [...known, 'exit-codes', 'errors'], 'clip help lists the verbs.')
      : didYouMean(
          word,
          known,
          known.length === 0
            ? `clip help ${path.slice(0, -1).join(' ')} is all there is.`
            : `There are: ${known.join(', ')}.`,
        ),
  );
}
