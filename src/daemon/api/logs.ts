/** `GET /v1/runs/:run/logs`: the bytes of one stream from an offset on; with follow, JSON lines until the run has ended. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { logsQuery, refParams } from '../../protocol/requests.ts';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';
import { isEnded, type Run } from '../../run/run.ts';
import { read } from './border.ts';
import { type LineStream, startLines } from './stream.ts';
import type { Routes } from './world.ts';

const chunkBytes = 64 * 1024;
/** How often a followed log is looked at; the file is written by the run itself, which tells nobody. */
const lookMs = 200;

export const logRoutes: Routes = (api, world) => {
  api.get('/v1/runs/:run/logs', async (request, reply) => {
    const run = world.resolve(read(refParams, request.params).run);
    const { stream, offset, follow } = read(logsQuery, request.query);
    if (stream === 'stderr' && run.spec.mergeOutput)
      throw new ClipError('not_found', `Run ${run.number} writes stderr into stdout (--merge-output).`, 'Ask for stdout.');
    const path = join(world.folderOf(run), `${stream}.log`);
    if (follow) return followLog(startLines(reply, world.version), run, path, stream, offset);
    const file = await openLog(path);
    // Nothing was written yet, or the file was taken away: an empty answer is the truth in both cases.
    return reply.type('application/octet-stream').send(file === null ? Buffer.alloc(0) : file.createReadStream({ start: offset }));
  });

  async function followLog(out: LineStream, run: Run, path: string, stream: string, from: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let offset = from; !out.closed(); ) {
      // Asked before reading: what is written before the end is read after it was seen.
      const ended = isEnded((world.supervisor.find(run.number) ?? run).state);
      const read = await readAt(path, buffer, offset);
      if (read > 0) {
        const data = buffer.toString('base64', 0, read);
        if (!(await out.send({ stream, offset, next: offset + read, data, encoding: 'base64' }))) return;
        offset += read;
      } else if (ended) break;
      else await new Promise((resolve) => setTimeout(resolve, Math.min(lookMs, limits.tickMs)));
    }
    out.end();
  }
};

async function readAt(path: string, buffer: Buffer, offset: number): Promise<number> {
  const file = await openLog(path);
  if (file === null) return 0;
  try {
    return (await file.read(buffer, 0, buffer.length, offset)).bytesRead;
  } finally {
    await file.close();
  }
}

/** Null when there is none, or something else in its place: whoever opens a named pipe waits for its writer, and few threads open files for all of us. */
async function openLog(path: string): Promise<FileHandle | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    return null;
  } catch (error) {
    if (noLog.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Nothing there; a link in circles; a socket. */
const noLog: ReadonlySet<string> = new Set(['ENOENT', 'ELOOP', 'ENXIO']);
