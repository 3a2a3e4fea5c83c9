/** Reads config.toml once. Errors name the key and the line. */
import { readFileSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { type Config, formatIssue, schema, settings } from './settings.ts';

/** The largest accepted file. No real configuration comes close. */
const bytesMax = 2 ** 20;

/** Describes what is wrong with an amount. Returns null when it is valid. */
export type AmountCheck = (text: string, key: string) => string | null;

/** Reads the configuration. Keys that the file does not set get their defaults. Throws ConfigError. */
export function readConfig(path: string, wrongWith: AmountCheck): Config {
  const text = readConfigText(path);
  return text === null ? schema.parse({}) : parseConfig(text, path, wrongWith);
}

/** Returns the text of the file, or null when there is none. Throws ConfigError. */
export function readConfigText(path: string): string | null {
  try {
    // Reading a named pipe would block, and a device never ends: the daemon could not start, and could not report why.
    const stat = statSync(path);
    if (stat.size > bytesMax) throw new Error(`it has more than ${bytesMax} bytes`);
    if (!stat.isFile() && !stat.isDirectory()) throw new Error('it is no regular file');
    refuseForeign(path, stat);
    refuseForeign(dirname(path), statSync(dirname(path)));
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`The configuration ${path} cannot be read: ${(error as Error).message}.`);
  }
}

/**
 * Throws when another user may change the file or replace it, because the daemon runs the programs that it names. Root
 * and the user's own group are allowed; on many systems that group has no other member.
 */
function refuseForeign(path: string, { uid, gid, mode }: Stats): void {
  const me = process.getuid?.();
  if (me === undefined) return;
  if (uid !== me && uid !== 0)
    throw new ConfigError(`${path} belongs to another user (uid ${uid}); the configuration must be yours.`);
  const byOthers = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== process.getgid?.());
  if (byOthers) throw new ConfigError(`${path} may be changed by other users. Close it: chmod go-w ${path}`);
}

/** Parses the text of a configuration. Throws ConfigError for the first thing that is wrong. */
export function parseConfig(text: string, path: string, wrongWith: AmountCheck): Config {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const line = error instanceof TomlError ? `, line ${error.line}` : '';
    throw new ConfigError(`The configuration ${path}${line} is not TOML: ${(error as Error).message.split('\n')[0]}.`);
  }
  const parsed = schema.safeParse(value);
  const trouble = parsed.success ? amountTrouble(parsed.data, wrongWith) : findProblem(parsed.error);
  if (parsed.success && trouble === null) return parsed.data;
  const { keys, what } = trouble ?? { keys: [], what: 'cannot be understood' };
  throw new ConfigError(`The configuration ${path}, line ${lineNumberOf(text, keys)}, ${what}.`);
}

type Trouble = { readonly keys: readonly string[]; readonly what: string };

function findProblem({ issues: [issue] }: z.ZodError): Trouble | null {
  if (issue === undefined) return null;
  // A position in a list is not a key.
  const keys = issue.path.filter((key) => typeof key === 'string');
  if (issue.code !== 'unrecognized_keys') return bad(keys, formatIssue(issue));
  const unknown = [...keys, issue.keys[0] ?? ''];
  return { keys: unknown, what: `does not know the key "${unknown.join('.')}"` };
}

function amountTrouble({ budget }: Config, wrongWith: AmountCheck): Trouble | null {
  for (const [key, text] of Object.entries(budget)) {
    const wrong = text === null ? null : wrongWith(text, key);
    if (wrong !== null) return bad(['budget', key], wrong);
  }
  return null;
}

function bad(keys: readonly string[], why: string): Trouble {
  const kind = settings.find(({ key }) => key === keys.join('.'))?.kind;
  return {
    keys,
    what: `has a bad value for "${keys.join('.')}" (${why}${kind === undefined ? '' : `; it must be ${kind}`})`,
  };
}

/** Returns the line of a key: by its name, after the name of its table, or in the table with its name. */
function lineNumberOf(text: string, keys: readonly string[]): number {
  const lines = text.split('\n');
  const begin = (line: string) => line.trim().replace(/^\[{0,2}\s*["']?/, '');
  const names = (line: string, key: string) =>
    begin(line).startsWith(key) && /^["']?\s*[.=\]]/.test(begin(line).slice(key.length));
  const [first = '', second] = keys;
  const table = lines.findIndex((line) => names(line, first));
  if (second === undefined || table < 0) return Math.max(table, 0) + 1;
  const dotted = lines.findIndex(
    (line) =>
      names(line, first) &&
      names(
        begin(line)
          .slice(first.length)
          .replace(/^["']?\s*\.\s*/, ''),
        second,
      ),
  );
  if (dotted >= 0) return dotted + 1;
  const inside = lines.findIndex((line, index) => index > table && names(line, second));
  return (inside < 0 ? table : inside) + 1;
}
