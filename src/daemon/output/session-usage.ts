/**
 * Reads the usage of a run from the session file of its CLI, for CLIs that report it there earlier than in their
 * stream. The file belongs to the CLI. If it cannot be found or read, the usage comes from the stream alone.
 */
import type { SessionFile } from '#adapters/adapter.ts';
import { isObject, jsonIn } from '#adapters/json.ts';
import { cutLines, type LineCut, noCut } from '#adapters/log-lines.ts';
import { findSessionFile } from '#process/find-session-file.ts';
import { readTail } from '#process/tail.ts';
import type { AgentEvent, Tokens } from '#run/agent-event.ts';
import { limits } from '#run/limits.ts';
import { describe, type LogFunction } from '../core/log.ts';

export type SessionUsage = {
  /** New agent events in the file. */
  readonly readings: readonly AgentEvent[];
  /** Total of the session before the run, if the file has it. */
  readonly before: Tokens | null;
  /** Offset up to which the file was read. */
  readonly offset: number;
};

/** Creates the reader of one run. */
export function createSessionUsage(deps: {
  file: SessionFile;
  environment: Readonly<Record<string, string>>;
  log: LogFunction;
}) {
  const { file, environment, log } = deps;
  let path: string | null = null;
  let place: { offset: number; cut: LineCut } | null = null;
  let failed = false;

  async function find(id: string, startedAt: number): Promise<string | null> {
    const isOwn = (line: string) => {
      const first = jsonIn(line);
      return isObject(first) && file.isOf(first, id);
    };
    return findSessionFile(file.places({ id, environment, startedAt }), isOwn);
  }

  /** Returns new usage from at most `bytesMax` bytes; null while there is no file. `known`: offset read by an earlier daemon. */
  async function read(
    session: { id: string; startedAt: number; known: number | null },
    bytesMax: number,
  ): Promise<SessionUsage | null> {
    try {
      path ??= await find(session.id, session.startedAt);
      return path === null ? null : await readOn(path, session, bytesMax);
    } catch (error) {
      if (!failed) log('warn', 'session file could not be read', { error: describe(error) });
      failed = true;
      return null;
    }
  }

  async function readOn(
    from: string,
    { startedAt, known }: { startedAt: number; known: number | null },
    bytesMax: number,
  ): Promise<SessionUsage> {
    const isFirst = place === null && known === null;
    const begin = place ?? { offset: known ?? (file.hasTotals ? await nearEnd(from) : 0), cut: noCut };
    let { offset, cut } = begin;
    const readings: AgentEvent[] = [];
    let before: Tokens | null = null;
    await readTail(from, { offset: offset + cut.bytes, bytesMax, chunkBytes: limits.tailChunkBytes }, (chunk) => {
      const next = cutLines(cut, chunk);
      offset += next.consumed;
      cut = next.cut;
      for (const line of next.lines) {
        if (typeof line !== 'string' || !line.includes(file.marker)) continue;
        const event = jsonIn(line);
        if (!isObject(event)) continue;
        const { at, readings: told } = file.read(event);
        if (at === null || at >= startedAt) readings.push(...told);
        else if (isFirst && file.hasTotals)
          before = told.find((reading) => reading.type === 'tokens')?.tokens ?? before;
      }
    });
    place = { offset, cut };
    return { readings, before, offset };
  }

  return { read };
}

/** Returns the offset from which to look for the newest total in a file that existed before the run. The first line from there may be cut off. */
async function nearEnd(path: string): Promise<number> {
  const size = await readTail(path, { offset: 0, bytesMax: 0, chunkBytes: 1 }, () => {});
  return Math.max(0, (size ?? 0) - limits.sessionFileTailBytes);
}
