/**
 * Returns whether `a` belongs to a later release than `b`, by its first number and then its second. A text that is not
 * a version is never later.
 */
export function isLaterRelease(a: string, b: string): boolean {
  const [majorA, minorA] = parseVersion(a);
  const [majorB, minorB] = parseVersion(b);
  return majorA > majorB || (majorA === majorB && minorA > minorB);
}

function parseVersion(version: string): readonly [major: number, minor: number] {
  const match = /^(\d{1,9})\.(\d{1,9})\./.exec(version);
  return match ? [Number(match[1]), Number(match[2])] : [Number.NaN, Number.NaN];
}
