/** Option parsers that several commands share. */
import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration, parseSize } from '#protocol/units.ts';

/** Returns a parser of durations. `what`: the option, for its error message. */
export const duration = (what: string) => (text: string) => parseDuration(text, what);
/** Returns a parser of sizes. `what`: the option, for its error message. */
export const size = (what: string) => (text: string) => parseSize(text, what);

/** Parses a whole number. Throws InvalidArgumentError for anything else. */
export function wholeNumber(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** Parses a whole number of 0 or more. */
export function count(text: string): number {
  const value = wholeNumber(text);
  if (value < 0) throw new InvalidArgumentError('It must not be negative.');
  return value;
}

/** Parses a whole number of 1 or more. */
export function positiveNumber(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError('It must be at least 1.');
  return value;
}

/** Collects the values of a repeatable option. */
export function collect(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}

/** Returns a parser that collects the values of a repeatable option. Only these words are allowed. */
export const collectOneOf = (words: readonly string[]) => (text: string, before: string[] | undefined) => {
  if (!words.includes(text)) throw new InvalidArgumentError(`It must be one of ${words.join(', ')}.`);
  return collect(text, before);
};

/** Collects KEY=VALUE pairs. A later pair replaces an earlier one. */
export function collectPair(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must look like KEY=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Describes the arguments of a command for its help, in their order. */
export function describeArguments(command: Command, ...descriptions: readonly string[]): void {
  for (const [at, description] of descriptions.entries()) {
    const argument = command.registeredArguments[at];
    if (argument) argument.description = description;
  }
}
