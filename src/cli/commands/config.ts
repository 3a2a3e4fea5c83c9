import type { Command } from 'commander';
import { ConfigError } from '#config/config-error.ts';
import type { EffectiveSetting } from '#config/effective-settings.ts';
import { configPath } from '#config/home.ts';
import type { SettingDefinition } from '#config/settings.ts';
import { wrongWithBudget } from '#protocol/budget.ts';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { clean } from '../terminal/clean.ts';
import { paint } from '../terminal/style.ts';

type Json = { json?: boolean };

/** Adds `clip config`. */
export function addConfig(config: Command, register: Register): void {
  const verb = (words: string, says: string, work: (context: Context, words: string[]) => Promise<number>) =>
    config
      .command(words)
      .description(says)
      .option('--json', 'as JSON')
      .action((...given: unknown[]) => {
        const options = given.at(-2) as Json;
        const said = given.slice(0, -2).flat() as string[];
        register(options, (context) => formatIn(() => work(context, said)));
      });
  verb('list', 'every setting, its value, and where that comes from', list);
  verb('get <key>', 'the value of one', get);
  // All words after the key are its value, even if they look like options, for example the arguments of a hook.
  verb('set <key> <value...>', 'set one; comments and order of the file stay', (context, [key = '', ...words]) =>
    change(context, key, words),
  ).passThroughOptions();
  verb('unset <key>', 'take one out of the file: its default holds', (context, [key = '']) =>
    change(context, key, null),
  );
  verb('path', 'where the file is', async (context) => {
    const path = configPath(context.env);
    if (context.json) context.printJson({ schema: 1, path });
    else context.print(clean(path));
    return 0;
  });
}

async function formatIn(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConfigError)
      throw new ClipError(
        'usage',
        error.message,
        'Nothing was changed; docs/configuration.md has all settings, clip config path the file.',
        error,
      );
    throw error;
  }
}

async function list(context: Context): Promise<number> {
  const { listEffectiveSettings: toldSettings } = await import('#config/effective-settings.ts');
  const path = configPath(context.env);
  const { exists, settings } = toldSettings(path, wrongWithBudget);
  if (context.json) {
    context.printJson({ schema: 1, path, exists, settings: settings.map(view) });
    return 0;
  }
  const { look, print } = context;
  print(`${clean(path)}${exists ? '' : ' (not there: these are the defaults)'}`);
  for (const told of settings) {
    const place = told.source === 'file' ? paint(`  line ${told.line ?? '?'}`, 'cyan', look) : '';
    print(`${told.key} = ${formatValue(told.value)}${place}`);
    print(paint(`    ${told.says} (default ${told.standardWords ?? formatValue(told.standard)})`, 'gray', look));
  }
  return 0;
}

async function get(context: Context, [key = '']: string[]): Promise<number> {
  const { listEffectiveSettings: toldSettings } = await import('#config/effective-settings.ts');
  const path = configPath(context.env);
  const told = settingNamed(toldSettings(path, wrongWithBudget).settings, key);
  if (context.json) context.printJson({ schema: 1, path, setting: view(told) });
  else context.print(formatValue(told.value));
  return 0;
}

async function change(context: Context, key: string, words: readonly string[] | null): Promise<number> {
  const { changedText } = await import('#config/effective-settings.ts');
  const { settings } = await import('#config/settings.ts');
  const { putConfig } = await import('#config/write-config.ts');
  const path = configPath(context.env);
  const setting = settingNamed(settings, key);
  putConfig(path, changedText(path, { setting, words }, wrongWithBudget));
  const restart = await context.client(false).answers();
  if (restart) context.notice('The running daemon takes it up with: clip daemon restart (runs live on)');
  if (context.json) {
    const { listEffectiveSettings: toldSettings } = await import('#config/effective-settings.ts');
    context.printJson({
      schema: 1,
      path,
      setting: view(settingNamed(toldSettings(path, wrongWithBudget).settings, key)),
      restartNeeded: restart,
    });
  }
  return 0;
}

function settingNamed<T extends SettingDefinition>(all: readonly T[], key: string): T {
  const found = all.find((each) => each.key === key);
  if (found) return found;
  throw new ClipError(
    'not_found',
    `There is no setting ${key}.`,
    `There are ${all.map((each) => each.key).join(', ')}.`,
  );
}

function view({ key, value, standard, source, line, kind, says }: EffectiveSetting): object {
  return { key, value, default: standard, source, line, kind, description: says };
}

/** Formats a value as `config set` accepts it. */
function formatValue(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'string' ? clean(value) : clean(JSON.stringify(value));
}
