/** Notices within seconds that the socket or the home has gone. */
import { statSync } from 'node:fs';
import type { Home } from '../config/home.ts';
import type { Log } from './log.ts';

const lookMs = 2_000;

export function guardHome(world: { home: Home; log: Log; republish: () => Promise<void>; gone: () => void }) {
  const inodeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino ?? null;
  const folder = inodeOf(world.home.folder);
  let socket = inodeOf(world.home.socket);
  let mending = false;

  const timer = setInterval(() => {
    if (inodeOf(world.home.folder) !== folder || inodeOf(world.home.database) === null) {
      // Without the home nothing can be recorded any more; another daemon may already serve a new one.
      world.log('error', 'the home has gone; the daemon leaves', { home: world.home.folder });
      clearInterval(timer);
      world.gone();
      return;
    }
    if (mending || inodeOf(world.home.socket) === socket) return;
    mending = true;
    world.log('warn', 'the socket has gone; it is published again', { socket: world.home.socket });
    world
      .republish()
      .then(() => {
        socket = inodeOf(world.home.socket);
      })
      .catch((error: Error) => world.log('error', 'the socket could not be published', { error: error.message }))
      .finally(() => {
        mending = false;
      });
  }, lookMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
