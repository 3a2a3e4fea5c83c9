/**
 * Whether there is room for records. While there is none, no new run is admitted and none is started; what happens to
 * those that live is still recorded, out of the reserve (store/reserve.ts). When there is space again, the reserve is
 * made anew, and everything goes on by itself.
 */
import { statfsSync } from 'node:fs';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import type { Reserve } from '../store/reserve.ts';
import { isDamage, isNoRoom, noRoomError } from '../store/trouble.ts';
import { describe, type Log } from './log.ts';

export type Room = ReturnType<typeof createRoom>;

export function createRoom(world: { folder: string; reserve: () => Reserve; log: Log /** There is room again. */; free: () => void }) {
  const { log } = world;
  let full: ClipError | null = null;
  let damaged: ClipError | null = null;
  let timer: NodeJS.Timeout | null = null;
  let watching = false;

  /** Whoever met an error says so here; only what concerns the disk or the database is taken up. */
  function note(error: unknown): void {
    if (isNoRoom(error)) enter(error);
    if (isDamage(error)) {
      damaged ??= new ClipError('database_damaged', 'The database is damaged.', 'The runs live on. clip daemon stop, then clip doctor --fix', error);
    }
  }

  function enter(cause: unknown): void {
    if (full !== null) return;
    full = noRoomError(cause);
    log('warn', 'there is no room for records', { cause: describe(cause) });
  }

  /** Called before every change: a large one must not take the last of the reserve with it. */
  function prepare(): void {
    if (!watching || full !== null || !world.reserve().isLow()) return;
    try {
      makeReserve();
    } catch (error) {
      note(error);
    }
  }

  /** With room to spare: a reserve that is half written would take the room it is to be. */
  function makeReserve(): void {
    const { bytes } = spaceOf(world.folder);
    if (bytes < limits.freeBytesAgain) enter(`free: ${bytes} bytes, too few for the reserve`);
    else world.reserve().make();
  }

  function look(): void {
    try {
      const space = spaceOf(world.folder);
      if (space.bytes < limits.freeBytesMin || space.files < limits.freeFilesMin) enter(`free: ${space.bytes} bytes, ${space.files} files`);
      else if (full === null ? !world.reserve().isThere() : space.bytes >= limits.freeBytesAgain) leave();
    } catch (error) {
      if (full === null || !isNoRoom(error)) log('warn', 'the reserve could not be made', { error: describe(error) });
      note(error);
    }
    timer = setTimeout(look, limits.roomLookMs);
    timer.unref();
  }

  function leave(): void {
    const wasFull = full !== null;
    makeReserve();
    if (!wasFull) return;
    full = null;
    log('info', 'there is room for records again');
    world.free();
  }

  return {
    note,
    prepare,
    /** Looks from now on, for the first time after a moment: nobody's first request waits for it. */
    watch(): void {
      if (spaceOf(world.folder).bytes < limits.freeBytesMin) enter('at the start');
      timer = setTimeout(() => {
        watching = true;
        look();
      }, limits.roomLookMs);
      timer.unref();
    },
    close: () => timer && clearTimeout(timer),
    isFull: (): boolean => full !== null,
    /** Throws when nothing new may come to be. */
    refuseIfFull(): void {
      if (full !== null) throw full;
    },
    trouble: (): { code: string; message: string; hint: string | null } | null => {
      const it = damaged ?? full;
      return it === null ? null : { code: it.code, message: it.message, hint: it.hint };
    },
  };
}

/** What we may still write there. Some file systems have no number of files: then it is no limit. */
function spaceOf(folder: string): { bytes: number; files: number } {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  return { bytes: bavail * bsize, files: files > 0 ? ffree : Number.POSITIVE_INFINITY };
}

/** For what is better written but must not keep the daemon from serving when there is no room. */
export function tryToWrite({ room, log }: { room: Pick<Room, 'note'>; log: Log }, what: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    log('warn', 'there is no room to write down something', { what, error: describe(error) });
    room.note(error);
  }
}
