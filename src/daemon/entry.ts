/** Entry of the daemon program. The lock comes before anything else is loaded: a loser leaves at once, with 0. */
import { closeSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { homeAt, locateHome, makeHome, strangersIn, troubleWithHome } from '../config/home.ts';
import { version } from '../launch/version.ts';
import { takeLock } from '../store/lock.ts';

const { values } = parseArgs({ options: { home: { type: 'string' }, managed: { type: 'boolean', default: false } } });
// Without a slash at its end, behind which a link would be followed before it is seen.
const home = values.home ? homeAt(resolve(values.home)) : locateHome(process.env);

function begin(): void {
  const trouble = troubleWithHome(home) ?? strangersIn(home) ?? makeHome(home);
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
  import('./begin.ts')
    .then(({ begin: serve }) => serve({ home, version, managed: values.managed }))
    .then(
      () => say({ ready: true }),
      (error: { code?: string; message: string; hint?: string | null; stack?: string }) => {
        console.error(error.stack ?? error.message);
        fail({ code: typeof error.hint === 'undefined' ? 'internal' : (error.code ?? 'internal'), message: error.message, hint: error.hint ?? null });
      },
    );
}

function fail(error: { code: string; message: string; hint: string | null }): void {
  say({ error });
  console.error(`${new Date().toISOString()} ${error.message}`);
  process.exit(1);
}

/** One line to whoever started us, on descriptor 3 when that is a pipe of theirs. */
function say(message: object): void {
  try {
    writeSync(3, `${JSON.stringify(message)}\n`);
    closeSync(3);
  } catch {
    // Started by hand or by a service manager: nobody listens.
  }
}

begin();
