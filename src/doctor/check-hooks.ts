/** Checks whether the programs of hooks and notifications exist, and how they ended last. */
import type { Config } from '#config/settings.ts';
import { notifyCommand } from '#process/desktop-notification.ts';
import { findCommand } from '#process/helper-command.ts';
import { type Check, ok } from './check.ts';

/** Returns a check for each hook. `readMeta`: reads the home's database, null when it cannot be read. */
export function checkHooks(
  config: Config,
  path: string,
  options: { folder: string; readMeta: (key: string) => string | null },
): Check[] {
  const hooks = Object.entries(config.hooks).flatMap(([name, argv]) =>
    argv === null ? [] : [checkHook(name, argv, { path, ...options })],
  );
  return [...hooks, ...(config.notifications ? [checkNotifications(path, options.folder)] : [])];
}

function checkHook(
  name: string,
  argv: readonly string[],
  at: { path: string; folder: string; readMeta: (key: string) => string | null },
): Check {
  const [program = ''] = argv;
  const check = { name: `hook ${name}` } as const;
  const found = findCommand(program, at.path, at.folder);
  if (found === null)
    return {
      ...check,
      state: 'broken',
      says: `its program ${program} is not there`,
      todo: `Install it, or take the hook out: clip config unset hooks.${name}`,
    };
  const failure = failureIn(at.readMeta(`hook:${name}:failed`));
  if (failure === null) return ok(check.name, found);
  return {
    ...check,
    state: 'warning',
    says: `failed when it was run last: ${failure}`,
    todo: `Run ${found} by hand; it reads a line of JSON (docs/configuration.md).`,
  };
}

function checkNotifications(path: string, folder: string): Check {
  const [program] = notifyCommand(process.platform, { title: '', body: '' }) ?? [];
  const found = program === undefined ? null : findCommand(program, path, folder);
  if (found !== null) return ok('notifications', `by ${found}`);
  const todo =
    program === undefined ? 'Use hooks: clip config list' : `Install ${program}, or: clip config unset notifications`;
  return { name: 'notifications', state: 'warning', says: 'are wanted, but nothing here can show them', todo };
}

function failureIn(text: string | null): string | null {
  if (!text) return null;
  try {
    const { at, why } = JSON.parse(text) as { at: unknown; why: unknown };
    return `${String(why)} (${String(at)})`;
  } catch {
    return null;
  }
}
