/** Opens folders in the file manager of the desktop. */
import { spawn } from 'node:child_process';
import { findHelper } from './helper-program.ts';

/** Returns the program that opens folders, or null where there is none or no desktop. */
export function findOpener(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | null {
  if (platform === 'darwin') return findHelper('open', env['PATH'] ?? '');
  // Without a desktop, xdg-open would start a browser for text terminals.
  const desktop = env['DISPLAY'] || env['WAYLAND_DISPLAY'];
  return platform === 'linux' && desktop ? findHelper('xdg-open', env['PATH'] ?? '') : null;
}

/** Opens a folder. Returns false when nothing here opens folders. */
export function openFolder(path: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  const opener = findOpener(env, platform);
  if (opener === null || !path.startsWith('/')) return false;
  const child = spawn(opener, [path], { env, stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
  return true;
}
