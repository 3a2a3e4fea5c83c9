/** Suggestions for a mistyped name. */

/** Candidates beyond this number are not compared. */
const candidatesMax = 1_000;
const lengthMax = 60;

/**
 * Returns the candidate within two typing errors of this word, or the only one that begins with it. Returns null when
 * none is close.
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  if (word === '' || word.length > lengthMax) return null;
  const lower = word.toLowerCase();
  // At most one letter in three may be wrong. Otherwise a short word would match almost anything.
  const most = Math.min(2, Math.floor(word.length / 3) + (word.length === 2 ? 1 : 0));
  const near = candidates
    .slice(0, candidatesMax)
    .filter(({ length }) => length <= lengthMax)
    .map((candidate) => ({ candidate, slips: slipsBetween(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, slips }) => candidate !== word && slips <= most)
    .sort((a, b) => a.slips - b.slips)[0];
  if (near) return near.candidate;
  const longer = candidates.filter((candidate) => word.length >= 2 && candidate.toLowerCase().startsWith(lower));
  return longer.length === 1 ? (longer[0] ?? null) : null;
}

/** Returns `Did you mean coder?`, or `otherwise` when no candidate is close. */
export function didYouMean(word: string, candidates: readonly string[], otherwise: string): string {
  const near = nearest(word, candidates);
  return near === null ? otherwise : `Did you mean ${near}?`;
}

/** Returns the edit distance: letters to add, drop or change, or neighbors to swap. */
function slipsBetween(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? (before[j - 2] ?? 0) + 1
          : Number.POSITIVE_INFINITY;
      row.push(
        Math.min(
          (last[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
          swapped,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
