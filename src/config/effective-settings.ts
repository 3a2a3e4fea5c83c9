/** Effective settings, key by key, from the file or by default; and the parsing of values from a command line. */
import { parse } from 'smol-toml';
import { type AmountCheck, parseConfig, readConfigText } from './config.ts';
import { ConfigError } from './config-error.ts';
import { edited } from './edit-toml.ts';
import { type SettingDefinition, settings } from './settings.ts';
import { parseStatements } from './toml-statements.ts';

export type EffectiveSetting = SettingDefinition & {
  readonly value: unknown;
  readonly source: 'file' | 'default';
  /** The line in the file. Null for a default. */
  readonly line: number | null;
};

/** Returns all settings with their values. Throws ConfigError when the file is invalid. */
export function listEffectiveSettings(
  path: string,
  wrongWith: AmountCheck,
): { readonly exists: boolean; readonly settings: readonly EffectiveSetting[] } {
  const text = readConfigText(path);
  const config = parseConfig(text ?? '', path, wrongWith);
  const said = text === null ? {} : parse(text);
  const statements = parseStatements((text ?? '').split('\n'));
  const told = settings.map((setting): EffectiveSetting => {
    const keys = setting.key.split('.');
    const source = at(said, keys) === undefined ? 'default' : 'file';
    // The line of the key itself, or of the table that contains it.
    const own = statements.findLast(
      ({ kind, path }) => kind === 'value' && path.every((key, index) => key === keys[index]),
    );
    return {
      ...setting,
      value: at(config, keys),
      source,
      line: source === 'file' && own !== undefined ? own.from + 1 : null,
    };
  });
  return { exists: text !== null, settings: told };
}

/**
 * Returns the text of the file with this key set, validated as a whole. `words`: null removes the key. Throws
 * ConfigError.
 */
export function changedText(
  path: string,
  change: { setting: SettingDefinition; words: readonly string[] | null },
  wrongWith: AmountCheck,
): string {
  const { setting, words } = change;
  const before = readConfigText(path) ?? '';
  parseConfig(before, path, wrongWith);
  const value = words === null ? undefined : valueIn(setting, words);
  const after = edited(before, setting.key, value);
  if (after === null)
    throw new ConfigError(`The configuration ${path} is written so that ${setting.key} cannot be changed alone.`);
  parseConfig(after, path, wrongWith);
  return after;
}

/**
 * Returns the value of a setting. Words are taken literally where it accepts text or a list, and otherwise parsed as
 * TOML.
 */
function valueIn(setting: SettingDefinition, words: readonly string[]): unknown {
  const [word = ''] = words;
  const literal = words.length === 1 ? parseLiteral(word) : undefined;
  const candidates = [
    ...(words.length === 1 ? [word] : []),
    ...(Array.isArray(literal) ? [literal, words] : [words, literal]),
  ];
  const fitting = candidates.find((value) => value !== undefined && setting.wrongWith(value) === null);
  if (fitting !== undefined) return fitting;
  throw new ConfigError(
    `${setting.key} must be ${setting.kind}, not ${JSON.stringify(words.join(' '))} ` +
      `(${setting.wrongWith(literal ?? word)}).`,
  );
}

function parseLiteral(word: string): unknown {
  try {
    return parse(`v = ${word}`)['v'];
  } catch {
    return undefined;
  }
}

function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}
