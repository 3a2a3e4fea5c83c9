/** config.toml: parsed once, with an error that names the key and the line. */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';

const schema = z.strictObject({
  /** How many runs run at once; default half the cores, at least 2. */
  max_runs: z
    .int()
    .min(1)
    .max(10_000)
    .default(Math.max(2, Math.floor(availableParallelism() / 2))),
  /** What queued runs do after the daemon died: go on, or wait for `clip queue release`. */
  after_crash: z.enum(['continue', 'hold']).default('continue'),
  /** Programs that are listed among leftovers but not stopped. */
  leftovers_keep: z.array(z.string()).default(['tmux', 'tmux: server', 'screen', 'ssh-agent', 'gpg-agent', 'dbus-daemon']),
  /** Amounts as `clip agent edit --budget-day` takes them; kept as text, for this room knows nobody who could read them. */
  budget: z
    .strictObject({
      /** What each run of an agent may use, where the agent has no budget of its own for it. */
      run: z.string().nullable().default(null),
      /** What the runs of all agents may use in a day together. */
      day: z.string().nullable().default(null),
    })
    .prefault({}),
  /** What becomes of the logs of ended runs; their rows in the ledger stay. */
  logs: z
    .strictObject({
      /** Minutes after its end until the logs of a run are compressed. */
      compress_after_min: z.number().min(0).max(525_600).default(60),
      /** Days after its end until they are removed; 0 for never. The newest run of a task keeps them. */
      keep_days: z.number().min(0).max(36_500).default(90),
      /** What all of them may take on disk, in GiB, the oldest ends going first; 0 for no limit. */
      size_max_gb: z.number().min(0).max(1_000_000).default(5),
    })
    .prefault({}),
  /** How often a run that only planned, or said nothing, is continued by itself. */
  continuation_attempts: z.int().min(0).max(100).default(2),
  /** A task is done when its agent says so; else somebody has to look. */
  auto_done: z.boolean().default(false),
});

/** Nobody sets so much. */
const bytesMax = 2 ** 20;

export type Config = z.infer<typeof schema>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function configPath(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'clip', 'config.toml');
}

/** Says what is wrong with an amount; null when nothing is. */
export type AmountCheck = (text: string, key: string) => string | null;

/** The configuration, with defaults where the file is silent or absent. Throws ConfigError. */
export function readConfig(path: string, wrongWith: AmountCheck): Config {
  let text: string;
  try {
    // A named pipe would be waited for, and a device never ends: the daemon could not start, and could not say why.
    const stat = statSync(path);
    if (stat.size > bytesMax) throw new Error(`it has more than ${bytesMax} bytes`);
    if (!stat.isFile() && !stat.isDirectory()) throw new Error('it is no regular file');
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return schema.parse({});
    throw new ConfigError(`The configuration ${path} cannot be read: ${(error as Error).message}.`);
  }
  return parseConfig(text, path, wrongWith);
}

export function parseConfig(text: string, path: string, wrongWith: AmountCheck): Config {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const line = error instanceof TomlError ? `, line ${error.line}` : '';
    throw new ConfigError(`The configuration ${path}${line} is not TOML: ${(error as Error).message.split('\n')[0]}.`);
  }
  const parsed = schema.safeParse(value);
  const trouble = parsed.success ? amountTrouble(parsed.data, wrongWith) : troubleOf(parsed.error);
  if (parsed.success && trouble === null) return parsed.data;
  const { keys, what } = trouble ?? { keys: [], what: 'cannot be understood' };
  throw new ConfigError(`The configuration ${path}, line ${lineOf(text, keys)}, ${what}.`);
}

type Trouble = { readonly keys: readonly string[]; readonly what: string };

function troubleOf({ issues: [issue] }: z.ZodError): Trouble | null {
  if (issue === undefined) return null;
  // A place in a list is no key.
  const keys = issue.path.filter((key) => typeof key === 'string');
  if (issue.code !== 'unrecognized_keys') return bad(keys, issue.message);
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
  return { keys, what: `has a bad value for "${keys.join('.')}" (${why})` };
}

/** The line where a key stands: by its name, behind the name of its table, or in the table that has its name. */
function lineOf(text: string, keys: readonly string[]): number {
  const lines = text.split('\n');
  const begin = (line: string) => line.trim().replace(/^\[{0,2}\s*["']?/, '');
  const names = (line: string, key: string) => begin(line).startsWith(key) && /^["']?\s*[.=\]]/.test(begin(line).slice(key.length));
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
