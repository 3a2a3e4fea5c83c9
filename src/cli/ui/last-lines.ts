/** The last readable line of each living run, read again when its log has grown. */
import type { RunView } from '../../protocol/answers.ts';
import { clean } from '../words.ts';
import { type Board, runsOn } from './board.ts';
import { lastLineOf } from './log-end.ts';

export function createLastLines(env: NodeJS.ProcessEnv) {
  let known = new Map<number, { readonly bytes: number; readonly line: string | null }>();
  return {
    of(board: Board): ReadonlyMap<number, string> {
      const now = new Map<number, { readonly bytes: number; readonly line: string | null }>();
      for (const run of runsOn(board, 'live')) {
        const bytes = (run.stdoutBytes ?? 0) + (run.stderrBytes ?? 0);
        const before = known.get(run.number);
        now.set(run.number, before?.bytes === bytes ? before : { bytes, line: bytes === 0 ? null : lineOf(run, env) });
      }
      known = now;
      return new Map([...now].flatMap(([number, { line }]) => (line === null ? [] : [[number, line] as const])));
    },
  };
}

function lineOf(run: RunView, env: NodeJS.ProcessEnv): string | null {
  if (run.agentName !== null && run.lastMessage !== null) return clean(run.lastMessage);
  const onStderr = run.stdoutBytes === 0 && run.stderrPath !== null;
  return lastLineOf(onStderr ? (run.stderrPath ?? run.stdoutPath) : run.stdoutPath, env);
}
