/**
 * Rejects oversized requests before schema validation. A schema would produce a message for each of a million wrong
 * elements.
 */

/** The values in one request or line. The largest valid ones have a few thousand. */
const valuesMax = 50_000;
const depthMax = 32;

/** Describes what is too large, or returns null. It stops at its limits, however large the value is. */
export function tooMuchIn(value: unknown): string | null {
  let level: unknown[] = [value];
  let count = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return `it is nested more than ${depthMax} deep`;
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue;
      // As a field, it would change the meaning of all other fields.
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
