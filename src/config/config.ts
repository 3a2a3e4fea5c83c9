/** config.toml: parsed once, with an error that names the key and the line. */
import { readFileSync } from 'node:fs';
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
});

export type Config = z.infer<typeof schema>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function configPath(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'clip', 'config.toml');
}

/** The configuration, with defaults where the file is silent or absent. Throws ConfigError. */
export function readConfig(path: string): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return schema.parse({});
    throw new ConfigError(`The configuration ${path} cannot be read: ${(error as Error).message}.`);
  }
  return parseConfig(text, path);
}

export function parseConfig(text: string, path: string): Config {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const line = error instanceof TomlError ? `, line ${error.line}` : '';
    throw new ConfigError(`The configuration ${path}${line} is not TOML: ${(error as Error).message.split('\n')[0]}.`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key = issue?.code === 'unrecognized_keys' ? issue.keys[0] : String(issue?.path[0] ?? '');
  const what = issue?.code === 'unrecognized_keys' ? `does not know the key "${key}"` : `has a bad value for "${key}" (${issue?.message})`;
  throw new ConfigError(`The configuration ${path}, line ${lineOf(text, key ?? '')}, ${what}.`);
}

/** The line where the key stands: alone, quoted, dotted, or as the name of a table. */
function lineOf(text: string, key: string): number {
  const at = text.split('\n').findIndex((line) => {
    const begin = line.trim().replace(/^\[{0,2}\s*["']?/, '');
    return begin.startsWith(key) && /^["']?\s*[.=\]]/.test(begin.slice(key.length));
  });
  return at < 0 ? 1 : at + 1;
}
