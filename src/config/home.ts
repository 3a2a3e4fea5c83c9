/** The paths of a home, and whether it can be trusted. */
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
  /** Values of agents' variables, one file per agent. They never enter the database. */
  readonly agents: string;
  /** Environments of persons that automatic runs start from, one file each. They never enter the database. */
  readonly environments: string;
  /** The command line itself, for runs whose PATH does not contain it. */
  readonly command: string;
};

/** Returns the home: $CLIP_HOME, else $XDG_STATE_HOME/clip, else ~/.local/state/clip. Creates nothing. */
export function locateHome(env: NodeJS.ProcessEnv): Home {
  const folder = env['CLIP_HOME']
    ? resolve(env['CLIP_HOME'])
    : env['XDG_STATE_HOME']
      ? join(env['XDG_STATE_HOME'], 'clip')
      : join(env['HOME'] || homedir(), '.local/state/clip');
  return homeAt(folder);
}

/** Returns the path of the configuration, whether or not the file exists. */
export function configPath(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'clip', 'config.toml');
}

/** Returns the places of everything in a home. */
export function homeAt(folder: string): Home {
  return {
    folder,
    database: join(folder, 'clip.db'),
    lock: join(folder, 'clip.lock'),
    socket: join(folder, 'clip.sock'),
    log: join(folder, 'daemon.log'),
    runs: join(folder, 'runs'),
    agents: join(folder, 'agents'),
    environments: join(folder, 'environments'),
    command: join(folder, 'bin', 'clip'),
  };
}

/**
 * Linux limits a socket path to 108 bytes including its NUL. The longest names in the home are a keeper's and the
 * temporary one of the API.
 */
const socketPathBytesMax = 107;
const longestSocketName = 'keeper-00000000.sock';

export type HomeTrouble = { readonly sentence: string; readonly hint: string };

/** Returns why this home cannot be used, or null. It changes nothing, and accepts a home that does not exist yet. */
export function validateHome({ folder }: Home): HomeTrouble | null {
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
    return {
      sentence: `The home ${folder} cannot be looked at: ${(error as Error).message}.`,
      hint: 'Set CLIP_HOME to a folder of yours.',
    };
  }
  if (!stat) return null;
  if (stat.isSymbolicLink())
    return { sentence: `The home ${folder} is a symbolic link.`, hint: 'Set CLIP_HOME to the folder it points to.' };
  if (!stat.isDirectory())
    return { sentence: `The home ${folder} is not a folder.`, hint: 'Set CLIP_HOME to a folder of yours.' };
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid) {
    return {
      sentence: `The home ${folder} belongs to another user (uid ${stat.uid}).`,
      hint: 'Set CLIP_HOME to a folder of yours; never share a home.',
    };
  }
  return null;
}

/**
 * Returns what in the home belongs to another user, or null when everything, or everything in `names`, is this user's.
 * A home that was once writable by others may contain a foreign socket, database or command.
 */
export function findForeignFiles({ folder }: Home, names: readonly string[] | null = null): HomeTrouble | null {
  const uid = process.getuid?.();
  const all = names ?? (statSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder) : []);
  const strange = all.find((name) => (lstatSync(join(folder, name), { throwIfNoEntry: false })?.uid ?? uid) !== uid);
  if (strange === undefined) return null;
  return {
    sentence: `${join(folder, strange)} belongs to another user.`,
    hint: 'Another user could write to this home: look at it, and set CLIP_HOME to a new folder.',
  };
}

/** Creates the home with the right modes, whatever the umask. Call `validateHome` first. */
export function makeHome({ folder, runs }: Home): HomeTrouble | null {
  try {
    makeFolder(folder);
    makeFolder(runs);
    for (const path of [folder, runs]) chmodSync(path, 0o700);
    return null;
  } catch (error) {
    return {
      sentence: `The home ${folder} is not writable: ${(error as Error).message}.`,
      hint: 'Set CLIP_HOME to a folder that you may write to.',
    };
  }
}

/**
 * Creates the folders one by one. Node's own `recursive` never returns where nothing can be created, for example below
 * /proc.
 */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Several clients may create one home at the same time.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
