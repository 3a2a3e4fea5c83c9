import type { Command } from 'commander';
import { bootPlace, bootStatus, disableBoot, enableBoot } from '#launch/autostart.ts';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { clean } from '../terminal/clean.ts';

/** Adds `clip boot`. */
export function addBoot(boot: Command, register: Register): void {
  boot
    .command('enable')
    .description('write the unit for systemd or launchd; starts nothing before the next login')
    .option('--now', 'start it now as well')
    .option('--json', 'as JSON')
    .action((options: { now?: boolean; json?: boolean }) =>
      register(options, (context) => enable(context, options.now ?? false)),
    );
  boot
    .command('disable')
    .description('remove it; a running daemon goes on')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => register(options, disable));
  boot
    .command('status')
    .description('whether it is there and sound: exit code 0, else 1')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => register(options, status));
}

async function enable(context: Context, now: boolean): Promise<number> {
  refuseUnknown(context);
  const { unit, why, byHand } = await enableBoot(context.home.folder, context.env, now).catch((error: Error) => {
    throw new ClipError(
      'failed',
      `The unit could not be written: ${error.message}.`,
      'clip boot status shows where it belongs.',
      error,
    );
  });
  if (why !== null)
    throw new ClipError(
      'failed',
      `${unit} is written, but the service manager did not take it: ${why}.`,
      `Run this as your own user: ${byHand}`,
    );
  if (context.json) context.printJson({ schema: 1, unit, enabled: true, started: now });
  else
    context.print(
      `The daemon is started at login: ${clean(unit)}${now ? '' : '\nTo start it now as well: clip boot enable --now'}`,
    );
  if (now && (await context.client(false).answers()))
    context.notice('A daemon that ran already goes on; the service manager has the next one.');
  return 0;
}

async function disable(context: Context): Promise<number> {
  refuseUnknown(context);
  const was = await disableBoot(context.env);
  if (context.json) context.printJson({ schema: 1, disabled: was });
  else
    context.print(
      was
        ? 'The daemon is not started at login any more. One that runs goes on: clip daemon stop'
        : 'It was not enabled.',
    );
  return 0;
}

async function status(context: Context): Promise<number> {
  refuseUnknown(context);
  const now = await bootStatus(context.env);
  if (now === null) return 1;
  const sound = now.installed && now.enabled !== false && now.missing === null;
  if (context.json) context.printJson({ schema: 1, ...now });
  else {
    const words = !now.installed
      ? 'The daemon is not started at login.'
      : now.missing !== null
        ? `The unit names ${clean(now.missing)}, which is not there: nothing is started at login.`
        : now.enabled === null
          ? `The unit is there; ${now.manager} does not answer, so it is not known whether it is enabled.`
          : now.enabled
            ? 'The daemon is started at login.'
            : 'The unit is there, but not enabled.';
    context.print(`${words}\n  ${now.manager} ${clean(now.unit)}${sound ? '' : '\n  clip boot enable'}`);
  }
  return sound ? 0 : 1;
}

function refuseUnknown({ env }: Context): void {
  if (bootPlace(env) === null)
    throw new ClipError(
      'refused',
      'clip knows systemd and launchd, and neither is here.',
      'Let your service manager run: clip daemon run',
    );
}
