/** Detects within seconds that the socket or the home has disappeared. */
import { statSync } from 'node:fs';
import type { Core } from './core/core.ts';

const lookMs = 2_000;

/** `republish` puts the socket back. `gone` is called when the home has disappeared. */
export function watchHome(
  core: Pick<Core, 'home' | 'log'>,
  on: { readonly republish: () => Promise<void>; readonly gone: () => void },
) {
  const { home, log } = core;
  const readInode = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino ?? null;
  const folder = readInode(home.folder);
  let socket = readInode(home.socket);
  let republishing = false;

  const timer = setInterval(() => {
    let isGone: boolean;
    try {
      isGone = readInode(home.folder) !== folder || readInode(home.database) === null;
    } catch (error) {
      // For example: no permission for a while. Nothing is known about the home.
      return log('warn', 'home cannot be examined', { error: (error as Error).message });
    }
    if (isGone) {
      // Nothing can be recorded without the home. Another daemon may already serve a new one.
      log('error', 'home disappeared; daemon exits', { home: home.folder });
      clearInterval(timer);
      on.gone();
      return;
    }
    if (republishing || readInode(home.socket) === socket) return;
    republishing = true;
    log('warn', 'socket disappeared; publishing it again', { socket: home.socket });
    on.republish()
      .then(() => {
        socket = readInode(home.socket);
      })
      .catch((error: Error) => log('error', 'socket could not be published', { error: error.message }))
      .finally(() => {
        republishing = false;
      });
  }, lookMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
