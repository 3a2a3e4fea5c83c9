/** Paths as agents and shells write them, made comparable: absolute, without `.` and `..`, and relative to a folder. */

/** Returns the absolute path. `folder`: the base of a relative path. */
export function absolute(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${folder}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Returns the path relative to this folder: empty for the folder itself, null for a path outside of it. */
export function within(folder: string, path: string): string | null {
  if (path === folder) return '';
  const base = folder === '/' ? '/' : `${folder}/`;
  return path.startsWith(base) ? path.slice(base.length) : null;
}

/** The work place of a run: the given folder, the same without symbolic links, and the root of its work tree. */
export type PathContext = { readonly cwd: string; readonly realCwd: string; readonly root: string };

/**
 * Returns the path relative to the root of the work tree, for a path named from `folder`. Returns null for a path
 * outside of it.
 */
export function fromRoot({ cwd, realCwd, root }: PathContext, folder: string, path: string): string | null {
  const full = absolute(folder, path);
  const direct = within(root, full);
  if (direct !== null) return direct;
  // The path of the folder contains a symbolic link.
  const rest = within(cwd, full);
  return rest === null ? null : within(root, absolute(realCwd, rest === '' ? '.' : rest));
}

/** Returns whether a path matches a shell pattern: `*` and `?` within one name, `**` over any number of folders. */
export function matches(pattern: string, path: string): boolean {
  return segmentsMatch(pattern.split('/'), path.split('/'), 0);
}

/** The number of `**` in one pattern. More would take too long to match. */
const manyFoldersMax = 2;

function segmentsMatch(patterns: readonly string[], names: readonly string[], depth: number): boolean {
  const at = patterns.indexOf('**');
  if (at < 0)
    return (
      patterns.length === names.length && patterns.every((pattern, index) => nameMatches(pattern, names[index] ?? ''))
    );
  if (
    depth >= manyFoldersMax ||
    !patterns.slice(0, at).every((pattern, index) => nameMatches(pattern, names[index] ?? ''))
  )
    return false;
  const rest = patterns.slice(at + 1);
  for (let from = at; from <= names.length; from++) if (segmentsMatch(rest, names.slice(from), depth + 1)) return true;
  return false;
}

/** Matches one name. It backtracks only to the last `*`, so its time is bounded by the product of both lengths. */
function nameMatches(pattern: string, name: string): boolean {
  let [p, n, star, from] = [0, 0, -1, 0];
  while (n < name.length) {
    const sign = pattern.charAt(p);
    if (p < pattern.length && sign === '*') {
      star = p++;
      from = n;
    } else if (p < pattern.length && (sign === '?' || sign === name.charAt(n))) {
      p += 1;
      n += 1;
    } else if (star >= 0) {
      p = star + 1;
      n = ++from;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}
