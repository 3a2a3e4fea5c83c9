/** Entry point of the daemon. Takes the lock before anything else is loaded, so a daemon that loses the race exits at once with code 0. */
import { closeSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findForeignFiles, homeAt, locateHome, makeHome, validateHome } from '#config/home.ts';
import { saveCompileCache, useCompileCache } from '#launch/compile-cache.ts';
import { arenaVariable, roleVariable } from '#launch/daemon-environment.ts';
import { closeInheritedDescriptors, dropInheritedMark } from '#launch/inherited-state.ts';
import { version } from '#launch/version.ts';
import { leaveRunGroup } from '#process/cgroup.ts';
import { takeLock } from '#store/lock.ts';

const { values } = parseArgs({ options: { home: { type: 'string' }, managed: { type: 'boolean', default: false } } });
// `resolve` strips a trailing slash, behind which a symbolic link would be followed before it is detected.
const home = values.home ? homeAt(resolve(values.home)) : locateHome(process.env);

/** The descriptor on which the parent process learns that the daemon is ready. */
const notifyDescriptor = 3;

/** The pause before compiled code is saved. The first requests come first. */
const saveMs = 1_000;

function begin(): void {
  closeInheritedDescriptors(new Set([notifyDescriptor]));
  // A daemon started inside a run must not end with that run.
  leaveRunGroup();
  dropInheritedMark();
  // The variables stay visible from outside (/proc). Child processes (git, hooks, version checks) must not inherit
  // them, so no scan takes them for a daemon.
  delete process.env[roleVariable];
  delete process.env[arenaVariable];
  const trouble = validateHome(home) ?? findForeignFiles(home) ?? makeHome(home);
  if (trouble) return fail({ code: 'home_unusable', message: trouble.sentence, hint: trouble.hint });
  try {
    if (!takeLock(home.lock)) {
      say({ lost: true });
      process.exit(0);
    }
  } catch (error) {
    return fail({
      code: 'database',
      message: `The lock ${home.lock} cannot be taken: ${(error as Error).message}.`,
      hint: 'Check the folder and the space on its disk.',
    });
  }
  useCompileCache(process.env, version);
  import('./bootstrap.ts')
    .then(({ begin: serve }) => serve({ home, version, managed: values.managed }))
    .then(
      () => {
        say({ ready: true });
        setTimeout(saveCompileCache, saveMs).unref();
      },
      (error: { code?: string; message: string; hint?: string | null; stack?: string }) => {
        console.error(error.stack ?? error.message);
        fail({
          code: typeof error.hint === 'undefined' ? 'internal' : (error.code ?? 'internal'),
          message: error.message,
          hint: error.hint ?? null,
        });
      },
    );
}

function fail(error: { code: string; message: string; hint: string | null }): void {
  say({ error });
  console.error(`${new Date().toISOString()} ${error.message}`);
  process.exit(1);
}

/** Writes one line to the parent process, if descriptor 3 is a pipe. */
function say(message: object): void {
  try {
    writeSync(notifyDescriptor, `${JSON.stringify(message)}\n`);
    closeSync(notifyDescriptor);
  } catch {
    // Started by hand or by a service manager: there is no pipe.
  }
}

begin();
