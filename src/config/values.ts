/** What is set, key by key: from the file, or by default; and a value as somebody gives it on a command line. */
import { parse } from 'smol-toml';
import { type AmountCheck, parseConfig, readConfigText } from './config.ts';
import { ConfigError } from './config-error.ts';
import { edited } from './edit.ts';
import { type Setting, settings } from './settings.ts';
import { statementsOf } from './statements.ts';

export type Told = Setting & { readonly value: unknown; readonly source: 'file' | 'default' /** In the file. */; readonly line: number | null };

/** Throws ConfigError when the file is wrong. */
export function toldSettings(path: string, wrongWith: AmountCheck): { readonly exists: boolean; readonly settings: readonly Told[] } {
  const text = readConfigText(path);
  const config = parseConfig(text ?? '', path, wrongWith);
  const said = text === null ? {} : parse(text);
  const statements = statementsOf((text ?? '').split('\n'));
  const told = settings.map((setting): Told => {
    const keys = setting.key.split('.');
    const source = at(said, keys) === undefined ? 'default' : 'file';
    // Its own line, or the one that its table stands in.
    const own = statements.findLast(({ kind, path }) => kind === 'value' && path.every((key, index) => key === keys[index]));
    return { ...setting, value: at(config, keys), source, line: source === 'file' && own !== undefined ? own.from + 1 : null };
  });
  return { exists: text !== null, settings: told };
}

/** The text of the file with this key set, checked as a whole. `words`: null takes it out. Throws ConfigError. */
export function changedText(path: string, change: { setting: Setting; words: readonly string[] | null }, wrongWith: AmountCheck): string {
  const { setting, words } = change;
  const before = readConfigText(path) ?? '';
  parseConfig(before, path, wrongWith);
  const value = words === null ? undefined : valueIn(setting, words);
  const after = edited(before, setting.key, value);
  if (after === null) throw new ConfigError(`The configuration ${path} is written so that ${setting.key} cannot be changed alone.`);
  parseConfig(after, path, wrongWith);
  return after;
}

/** Words are taken as they are where the setting takes text or a list, and else read as TOML. */
function valueIn(setting: Setting, words: readonly string[]): unknown {
  const [word = ''] = words;
  const literal = words.length === 1 ? literalOf(word) : undefined;
  const candidates = [...(words.length === 1 ? [word] : []), ...(Array.isArray(literal) ? [literal, words] : [words, literal])];
  const fitting = candidates.find((value) => value !== undefined && setting.wrongWith(value) === null);
  if (fitting !== undefined) return fitting;
  throw new ConfigError(`${setting.key} takes ${setting.kind}, and not ${JSON.stringify(words.join(' '))} (${setting.wrongWith(literal ?? word)}).`);
}

function literalOf(word: string): unknown {
  try {
    return parse(`v = ${word}`)['v'];
  } catch {
    return undefined;
  }
}

function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined), value);
}
