/**
 * `GET /v1/runs/:run/logs`: the bytes of one stream from an offset. With `follow`, JSON lines until the run has ended.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { logPath, openPlainLog, readLog } from '#process/log-files.ts';
import { logsQuery, refParams } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { isoTime } from '#run/iso-time.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import { read } from '../api-errors.ts';
import type { Routes } from '../context.ts';
import { type LineStream, startLines } from '../ndjson-stream.ts';

const chunkBytes = 64 * 1024;
/** Polling interval of a followed log. The run writes the file itself, so there is no event. */
const lookMs = 200;

export const logRoutes: Routes = (api, deps) => {
  api.get('/v1/runs/:run/logs', async (request, reply) => {
    const run = deps.resolve(read(refParams, request.params).run);
    const { stream, offset, follow } = read(logsQuery, request.query);
    if (stream === 'stderr' && run.spec.mergeOutput)
      throw new ClipError(
        'not_found',
        `Run ${run.number} writes stderr into stdout (--merge-output).`,
        'Ask for stdout.',
      );
    const removedAt = isEnded(run.state) ? (deps.store.archives.of(run.number)?.removedAt ?? null) : null;
    if (removedAt !== null)
      throw new ClipError(
        'not_found',
        `The logs of run ${run.number} were removed on ${isoTime(removedAt).slice(0, 10)}.`,
        'config.toml says how long they are kept: [logs].',
      );
    const path = logPath(deps.folderOf(run), stream);
    if (follow) return followLog(startLines(reply, deps.version), run, path, stream, offset);
    // Nothing was written yet, or the file was removed. The answer is empty in both cases.
    return reply.type('application/octet-stream').send((await readLog(path, offset)) ?? Buffer.alloc(0));
  });

  async function followLog(out: LineStream, run: Run, path: string, stream: string, from: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    let offset = from;
    while (!out.closed()) {
      // Checked before reading, so output written before the end is not missed.
      const ended = isEnded((deps.supervisor.find(run.number) ?? run).state);
      const read = await readAt(path, buffer, offset);
      if (read > 0) {
        const data = buffer.toString('base64', 0, read);
        if (!(await out.send({ stream, offset, next: offset + read, data, encoding: 'base64' }))) return;
        offset += read;
      } else if (ended) break;
      else await sleep(Math.min(lookMs, limits.tickMs));
    }
    // The log was compressed in the meantime, so the rest is read from the archived log.
    if (!existsSync(path)) await sendRest(out, await readLog(path, offset), { stream, offset });
    out.end();
  }

  async function sendRest(
    out: LineStream,
    rest: NodeJS.ReadableStream | null,
    from: { stream: string; offset: number },
  ): Promise<void> {
    let { offset } = from;
    for await (const chunk of rest ?? []) {
      const bytes = chunk as Buffer;
      const next = offset + bytes.length;
      if (!(await out.send({ stream: from.stream, offset, next, data: bytes.toString('base64'), encoding: 'base64' })))
        return;
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
