/** The last readable line of each living run, read again when its log has grown. */
import type { RunView } from '../../protocol/answers.ts';
import { clean } from '../words.ts';
import { type Board, runsOn } from './board.ts';
import { lastLineOf } from './log-end.ts';
import type { Readers } from './readers.ts';

type Known = { readonly bytes: number; readonly line: string | null };

export function createLastLines(readers: Readers, env: NodeJS.ProcessEnv) {
  let known = new Map<number, Known>();

  function lineOf(run: RunView): string | null {
    const path = run.stdoutBytes === 0 && run.stderrPath !== null ? run.stderrPath : run.stdoutPath;
    const line = lastLineOf(path, readers.of(run), env) ?? run.lastMessage;
    return line === null ? null : clean(line);
  }

  return {
    of(board: Board): ReadonlyMap<number, string> {
      const now = new Map<number, Known>();
      for (const run of runsOn(board, 'live')) {
        const bytes = (run.stdoutBytes ?? 0) + (run.stderrBytes ?? 0);
        const before = known.get(run.number);
        now.set(run.number, before?.bytes === bytes ? before : { bytes, line: bytes === 0 ? null : lineOf(run) });
      }
      known = now;
      readers.forget(board.runs);
      return new Map([...now].flatMap(([number, { line }]) => (line === null ? [] : [[number, line] as const])));
    },
  };
}
