/** Detects within seconds that the socket or the home has disappeared. */
import { statSync } from 'node:fs';
import type { Home } from '#config/home.ts';
import type { LogFunction } from './core/log.ts';

const lookMs = 2_000;

export function watchHome(deps: { home: Home; log: LogFunction; republish: () => Promise<void>; gone: () => void }) {
  const readInode = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino ?? null;
  const folder = readInode(deps.home.folder);
  let socket = readInode(deps.home.socket);
  let republishing = false;

  const timer = setInterval(() => {
    if (readInode(deps.home.folder) !== folder || readInode(deps.home.database) === null) {
      // Nothing can be recorded without the home. Another daemon may already serve a new one.
      deps.log('error', 'home disappeared; daemon exits', { home: deps.home.folder });
      clearInterval(timer);
      deps.gone();
      return;
    }
    if (republishing || readInode(deps.home.socket) === socket) return;
    republishing = true;
    deps.log('warn', 'socket disappeared; publishing it again', { socket: deps.home.socket });
    deps
      .republish()
      .then(() => {
        socket = readInode(deps.home.socket);
      })
      .catch((error: Error) => deps.log('error', 'socket could not be published', { error: error.message }))
      .finally(() => {
        republishing = false;
      });
  }, lookMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
