/** The last readable line of each live run. It is read again when the log has grown. */
import type { RunView } from '#protocol/answers.ts';
import type { Reader } from '../logs/transcript/renderer.ts';
import { clean } from '../terminal/clean.ts';
import { findLastLine } from './log-pane.ts';
import type { Readers } from './stream-readers.ts';

type KnownLine = { readonly bytes: number; readonly reader: Reader; readonly line: string | null };

/** Creates the cache of last lines. */
export function createLastLines(readers: Readers, env: NodeJS.ProcessEnv) {
  const known = new Map<number, KnownLine>();

  function findLine(run: RunView, reader: Reader): string | null {
    const path = run.stdoutBytes === 0 && run.stderrPath !== null ? run.stderrPath : run.stdoutPath;
    const line = findLastLine(path, reader, env) ?? run.lastMessage;
    return line === null ? null : clean(line);
  }

  return {
    of(run: RunView): string | null {
      const bytes = (run.stdoutBytes ?? 0) + (run.stderrBytes ?? 0);
      const reader = readers.of(run);
      const before = known.get(run.number);
      if (before?.bytes === bytes && before.reader === reader) return before.line;
      const line = bytes === 0 ? null : findLine(run, reader);
      known.set(run.number, { bytes, reader, line });
      return line;
    },
    /** Forgets the runs that are gone from the board. */
    forget(except: ReadonlyMap<number, unknown>): void {
      for (const number of known.keys()) if (!except.has(number)) known.delete(number);
      readers.forget(except);
    },
  };
}
