import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '#run/did-you-mean.ts';

describe('what somebody may have meant', () => {
  it.each([
    ['buidl', 'build'],
    ['biuld', 'build'],
    ['BUILD', 'build'],
    ['buil', 'build'],
    ['codr', 'coder'],
    ['rewiever', 'reviewer'],
    ['rev', 'reviewer'],
    ['rn', 'run'],
  ])('by %s is %s', (word, meant) => {
    expect(nearest(word, ['coder', 'reviewer', 'build', 'run'])).toBe(meant);
  });

  it.each(['', 'x', 'xyz', 'deploy', 'b', 'x'.repeat(5_000)])('by "%s" is nothing that there is', (word) => {
    expect(nearest(word, ['coder', 'reviewer', 'build', 'x'.repeat(5_001)])).toBeNull();
  });

  it('is nothing when a beginning fits two', () => {
    expect(nearest('build', ['build-one', 'build-two'])).toBeNull();
  });

  it('is said, or what else there is to say', () => {
    expect(didYouMean('codr', ['coder'], 'There are: coder.')).toBe('Did you mean coder?');
    expect(didYouMean('x', ['coder'], 'There are: coder.')).toBe('There are: coder.');
  });
});
