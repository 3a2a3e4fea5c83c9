/** The stored form of a workspace state. */
import { z } from 'zod';
import { limits } from '#run/limits.ts';
import type { OpenFile, RepositoryState, Snapshot } from '#run/workspace.ts';

/** The stored form, with five values per file: a state of thousands of files is read in a few milliseconds. */
const packed = z.object({
  root: z.string(),
  git: z.boolean(),
  linked: z.boolean(),
  whole: z.boolean(),
  repositories: z.array(
    z.object({
      path: z.string(),
      head: z.string().nullable(),
      tree: z.string().nullable(),
      filtered: z.array(z.string()),
      open: z.custom<readonly (string | number | null)[]>(Array.isArray).nullable(),
    }),
  ),
});

/** Serializes a state. A state that is too large keeps only its commits. */
export function packSnapshot(state: Snapshot): string {
  const text = JSON.stringify({
    ...state,
    repositories: state.repositories.map((each) => ({ ...each, open: each.open === null ? null : flat(each.open) })),
  });
  if (text.length <= limits.workspaceStateBytesMax) return text;
  return JSON.stringify({
    ...state,
    repositories: state.repositories.map((each) => ({ ...each, open: null, filtered: [] })),
  });
}

function flat(open: ReadonlyMap<string, OpenFile>): (string | number | null)[] {
  return [...open].flatMap(([path, { base, version, size, lines }]) => [path, base, version, size, lines]);
}

/** Parses a state. Returns null if it is invalid, as if it were unknown. */
export function unpackSnapshot(text: string): Snapshot | null {
  try {
    const { repositories, ...rest } = packed.parse(JSON.parse(text));
    return {
      ...rest,
      repositories: repositories.map(
        (each): RepositoryState => ({ ...each, open: each.open === null ? null : unflat(each.open) }),
      ),
    };
  } catch {
    return null;
  }
}

function unflat(values: readonly (string | number | null)[]): Map<string, OpenFile> {
  const open = new Map<string, OpenFile>();
  for (let at = 0; at + 4 < values.length; at += 5) {
    const [path, base, version, size, lines] = values.slice(at, at + 5);
    open.set(String(path), {
      base: String(base),
      version: String(version),
      size: numberOr(size),
      lines: numberOr(lines),
    });
  }
  return open;
}

const numberOr = (value: unknown): number | null => (typeof value === 'number' ? value : null);
