/**
 * What an agent's run is about, in the words of the person who asked. Prompts are in run folders and never in the
 * database, so titles are read from there and kept in memory.
 */
import { join } from 'node:path';
import { readBeginning } from '#process/run-file.ts';
import { runFiles } from '#process/run-folder.ts';
import { cutText } from '#run/cut-text.ts';
import { limits } from '#run/limits.ts';
import type { Run } from '#run/run.ts';

/** A title is in the first bytes of its prompt, or the prompt has none. */
const beginningBytes = 2_048;
/** The number of titles in memory. */
const keptMax = 10_000;

type Deps = {
  readonly folderOf: (run: Run) => string;
  /** Returns the title of a task, or null if it does not exist. */
  readonly taskTitle: (task: number) => string | null;
};

/** Returns what gives the title of a run: a line of text, or null for a plain command. */
export function createRunTitles({ folderOf, taskTitle }: Deps): (run: Run) => string | null {
  const kept = new Map<string, string | null>();

  /** Returns the first line that the person wrote for this run. Null if there is none, or if it is no longer kept. */
  function findRequestLine(run: Run): string | null {
    const known = kept.get(run.id);
    if (known !== undefined) return known;
    const folder = folderOf(run);
    const line =
      readFirstLine(join(folder, runFiles.request)) ??
      (run.lineage.taskId === null ? readFirstLine(join(folder, runFiles.prompt)) : null);
    if (kept.size >= keptMax) kept.clear();
    kept.set(run.id, line);
    return line;
  }

  return (run) => {
    const { spec, lineage } = run;
    if (spec.agent === null) return null;
    const line = spec.promptSecret ? null : findRequestLine(run);
    return line ?? (lineage.taskId === null ? null : taskTitle(lineage.taskId));
  };
}

/** Returns the first line with words in it, without the marks of a heading or a list. */
export function findFirstLine(text: string): string | null {
  const line = text
    .split('\n')
    .map((each) =>
      each
        .replace(/^[\s#>*-]+/, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .find((each) => each !== '');
  return line === undefined ? null : cutText(line, limits.titleLength);
}

function readFirstLine(path: string): string | null {
  const text = readBeginning(path, beginningBytes);
  return text === null ? null : findFirstLine(text);
}
