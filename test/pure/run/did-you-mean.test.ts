import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '#run/did-you-mean.ts';

describe('the suggestion', () => {
  it.each([
    ['buidl', 'build'],
    ['biuld', 'build'],
    ['BUILD', 'build'],
    ['buil', 'build'],
    ['codr', 'coder'],
    ['rewiever', 'reviewer'],
    ['rev', 'reviewer'],
    ['rn', 'run'],
  ])('for %s is %s', (word, meant) => {
    expect(nearest(word, ['coder', 'reviewer', 'build', 'run'])).toBe(meant);
  });

  it.each(['', 'x', 'xyz', 'deploy', 'b', 'x'.repeat(5_000)])('for "%s" is null', (word) => {
    expect(nearest(word, ['coder', 'reviewer', 'build', 'x'.repeat(5_001)])).toBeNull();
  });

  it('is null when two names have the same beginning', () => {
    expect(nearest('build', ['build-one', 'build-two'])).toBeNull();
  });

  it('is printed, or else the list of possible words', () => {
    expect(didYouMean('codr', ['coder'], 'There are: coder.')).toBe('Did you mean coder?');
    expect(didYouMean('x', ['coder'], 'There are: coder.')).toBe('There are: coder.');
  });
});
