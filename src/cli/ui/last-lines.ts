/** The last readable line of a living run, read again when its log has grown. */
import type { RunView } from '../../protocol/answers.ts';
import type { Reader } from '../rendered/renderer.ts';
import { clean } from '../words.ts';
import { lastLineOf } from './log-end.ts';
import type { Readers } from './readers.ts';

type Known = { readonly bytes: number; readonly reader: Reader; readonly line: string | null };

export function createLastLines(readers: Readers, env: NodeJS.ProcessEnv) {
  const known = new Map<number, Known>();

  function lineOf(run: RunView, reader: Reader): string | null {
    const path = run.stdoutBytes === 0 && run.stderrPath !== null ? run.stderrPath : run.stdoutPath;
    const line = lastLineOf(path, reader, env) ?? run.lastMessage;
    return line === null ? null : clean(line);
  }

  return {
    of(run: RunView): string | null {
      const bytes = (run.stdoutBytes ?? 0) + (run.stderrBytes ?? 0);
      const reader = readers.of(run);
      const before = known.get(run.number);
      if (before?.bytes === bytes && before.reader === reader) return before.line;
      const line = bytes === 0 ? null : lineOf(run, reader);
      known.set(run.number, { bytes, reader, line });
      return line;
    },
    /** Of runs that are gone from the board nothing needs to be known. */
    forget(except: ReadonlyMap<number, unknown>): void {
      for (const number of known.keys()) if (!except.has(number)) known.delete(number);
      readers.forget(except);
    },
  };
}
