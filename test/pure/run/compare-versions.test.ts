import { describe, expect, it } from 'vitest';
import { isLaterRelease } from '#run/compare-versions.ts';

describe('a later release', () => {
  it.each([
    ['1.0.0', '0.9.9'],
    ['0.10.0', '0.9.0'],
    ['0.2.0-rc.1', '0.1.9'],
    ['10.0.0', '9.99.99'],
  ])('is %s, after %s', (later, earlier) => {
    expect([isLaterRelease(later, earlier), isLaterRelease(earlier, later)]).toEqual([true, false]);
  });

  it.each([
    ['0.1.9', '0.1.0'],
    ['0.1.10', '0.1.9'],
    ['0.1.0-rc.1', '0.1.0'],
    ['test', '0.1.0'],
    ['', ''],
  ])('is neither of %s and %s', (one, other) => {
    expect([isLaterRelease(one, other), isLaterRelease(other, one)]).toEqual([false, false]);
  });
});
