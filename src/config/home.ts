/** Where things lie, and whether the home may be trusted. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export type Home = {
  readonly folder: string;
  readonly database: string;
  readonly lock: string;
  readonly socket: string;
  readonly log: string;
  readonly runs: string;
  /** Values of the variables of agents, a file for each: they never enter the database. */
  readonly agents: string;
  /** The command line itself, for runs whose PATH does not have it. */
  readonly command: string;
};

/** $CLIP_HOME, else $XDG_STATE_HOME/clip, else ~/.local/state/clip. Makes nothing. */
export function locateHome(env: NodeJS.ProcessEnv): Home {
  const folder = env['CLIP_HOME']
    ? resolve(env['CLIP_HOME'])
    : env['XDG_STATE_HOME']
      ? join(env['XDG_STATE_HOME'], 'clip')
      : join(env['HOME'] || homedir(), '.local/state/clip');
  return homeAt(folder);
}

/** Where the settings are, whether or not there is such a file. */
export function configPath(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'clip', 'config.toml');
}

export function homeAt(folder: string): Home {
  return {
    folder,
    database: join(folder, 'clip.db'),
    lock: join(folder, 'clip.lock'),
    socket: join(folder, 'clip.sock'),
    log: join(folder, 'daemon.log'),
    runs: join(folder, 'runs'),
    agents: join(folder, 'agents'),
    command: join(folder, 'bin', 'clip'),
  };
}

/** Linux keeps 108 bytes for a socket path with its NUL; the longest name in the home is a keeper's or the temporary one of the API. */
const socketPathBytesMax = 107;
const longestSocketName = 'keeper-00000000.sock';

export type HomeTrouble = { readonly sentence: string; readonly hint: string };

/** Why this home cannot be used, or null. Looks only; a home that does not exist yet is fine. */
export function troubleWithHome({ folder }: Home): HomeTrouble | null {
  const bytes = Buffer.byteLength(join(folder, longestSocketName));
  if (bytes > socketPathBytesMax) {
    return {
      sentence: `The home ${folder} is too long for a socket path (${bytes} of ${socketPathBytesMax} bytes).`,
      hint: 'Set CLIP_HOME to a shorter path.',
    };
  }
  let stat: ReturnType<typeof lstatSync>;
  try {
    stat = lstatSync(folder, { throwIfNoEntry: false });
  } catch (error) {
    return { sentence: `The home ${folder} cannot be looked at: ${(error as Error).message}.`, hint: 'Set CLIP_HOME to a folder of yours.' };
  }
  if (!stat) return null;
  if (stat.isSymbolicLink()) return { sentence: `The home ${folder} is a symbolic link.`, hint: 'Set CLIP_HOME to the folder it points to.' };
  if (!stat.isDirectory()) return { sentence: `The home ${folder} is not a folder.`, hint: 'Set CLIP_HOME to a folder of yours.' };
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid) {
    return { sentence: `The home ${folder} belongs to another user (uid ${stat.uid}).`, hint: 'Set CLIP_HOME to a folder of yours; never share a home.' };
  }
  return null;
}

/**
 * Whether what is in the home may be trusted: a home that was once open to others may hold a socket, a database or a command
 * that somebody else has put there. Null when all of it, or of `names`, is this user's.
 */
export function strangersIn({ folder }: Home, names: readonly string[] | null = null): HomeTrouble | null {
  const uid = process.getuid?.();
  const all = names ?? (statSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder) : []);
  const strange = all.find((name) => (lstatSync(join(folder, name), { throwIfNoEntry: false })?.uid ?? uid) !== uid);
  if (strange === undefined) return null;
  return {
    sentence: `${join(folder, strange)} belongs to another user.`,
    hint: 'Somebody else could write to this home: look at it, and set CLIP_HOME to a new folder.',
  };
}

/** Makes the home with the right modes, whatever the umask. Call `troubleWithHome` first. */
export function makeHome({ folder, runs }: Home): HomeTrouble | null {
  try {
    makeFolder(folder);
    makeFolder(runs);
    for (const path of [folder, runs]) chmodSync(path, 0o700);
    return null;
  } catch (error) {
    return { sentence: `The home ${folder} is not writable: ${(error as Error).message}.`, hint: 'Set CLIP_HOME to a folder that you may write to.' };
  }
}

/** Folder by folder: Node's own `recursive` never returns where nothing can be made, as below /proc. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Many clients make one home at the same time.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
