/** What no request of ours looks like, found before a schema looks at it: a schema has words for each of a million wrong elements. */

/** Of everything in one request or line; the largest that are meant have a few thousand. */
const valuesMax = 50_000;
const depthMax = 32;

/** Says what is wrong; null when nothing is. Looks no further than its bounds, however large the value is. */
export function tooMuchIn(value: unknown): string | null {
  let level: unknown[] = [value];
  let count = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return `it is nested more than ${depthMax} deep`;
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue;
      // Taken for a field, this one would change what all other fields mean.
      if (Object.hasOwn(each, '__proto__')) return 'it has a field "__proto__"';
      const inside = Object.values(each);
      count += inside.length;
      if (count > valuesMax) return `it has more than ${valuesMax} values`;
      for (const one of inside) next.push(one);
    }
    level = next;
  }
  return null;
}
