/** Whether `a` belongs to a later release than `b`: its first number is greater, or its second where the first is the same. What is no version is never later. */
export function isLaterRelease(a: string, b: string): boolean {
  const [majorA, minorA] = numbersOf(a);
  const [majorB, minorB] = numbersOf(b);
  return majorA > majorB || (majorA === majorB && minorA > minorB);
}

function numbersOf(version: string): readonly [major: number, minor: number] {
  const match = /^(\d{1,9})\.(\d{1,9})\./.exec(version);
  return match ? [Number(match[1]), Number(match[2])] : [Number.NaN, Number.NaN];
}
