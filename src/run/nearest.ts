/** What somebody may have meant who mistyped a name. */

/** Beyond so many candidates only the first ones are compared. */
const candidatesMax = 1_000;
const lengthMax = 60;

/** The candidate that is a slip or two away from this word, or the only one that begins with it; null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  if (word === '' || word.length > lengthMax) return null;
  const lower = word.toLowerCase();
  // One letter in three may be wrong: of a short word hardly anything would be left otherwise.
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

/** `Did you mean coder?`; when nothing is near, what else there is to say. */
export function didYouMean(word: string, candidates: readonly string[], otherwise: string): string {
  const near = nearest(word, candidates);
  return near === null ? otherwise : `Did you mean ${near}?`;
}

/** Letters to add, to drop, to change, or neighbours to swap, until one is the other. */
function slipsBetween(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
