/** `GET /v1/runs/:run/logs`: the bytes of one stream from an offset on; with follow, JSON lines until the run has ended. */
import { existsSync } from 'node:fs';
import { logPath, openPlainLog, readLog } from '../../process/log-files.ts';
import { logsQuery, refParams } from '../../protocol/requests.ts';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';
import { isEnded, type Run } from '../../run/run.ts';
import { isoTime } from '../../run/time.ts';
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
    const removedAt = isEnded(run.state) ? (world.store.archives.of(run.number)?.removedAt ?? null) : null;
    if (removedAt !== null)
      throw new ClipError(
        'not_found',
        `The logs of run ${run.number} were removed on ${isoTime(removedAt).slice(0, 10)}.`,
        'config.toml says how long they are kept: [logs].',
      );
    const path = logPath(world.folderOf(run), stream);
    if (follow) return followLog(startLines(reply, world.version), run, path, stream, offset);
    // Nothing was written yet, or the file was taken away: an empty answer is the truth in both cases.
    return reply.type('application/octet-stream').send((await readLog(path, offset)) ?? Buffer.alloc(0));
  });

  async function followLog(out: LineStream, run: Run, path: string, stream: string, from: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    let offset = from;
    while (!out.closed()) {
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
    // Compressed in the same moment, the rest of it is read from there.
    if (!existsSync(path)) await sendRest(out, await readLog(path, offset), { stream, offset });
    out.end();
  }

  async function sendRest(out: LineStream, rest: NodeJS.ReadableStream | null, from: { stream: string; offset: number }): Promise<void> {
    let { offset } = from;
    for await (const chunk of rest ?? []) {
      const bytes = chunk as Buffer;
      const next = offset + bytes.length;
      if (!(await out.send({ stream: from.stream, offset, next, data: bytes.toString('base64'), encoding: 'base64' }))) return;
      offset = next;
    }
  }
};

async function readAt(path: string, buffer: Buffer, offset: number): Promise<number> {
  const file = await openPlainLog(path);
  if (file === null) return 0;
  try {
    return (await file.read(buffer, 0, buffer.length, offset)).bytesRead;
  } finally {
    await file.close();
  }
}
