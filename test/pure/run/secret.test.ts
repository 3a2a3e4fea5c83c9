import { expect, it } from 'vitest';
import { withoutSecret } from '#run/secret.ts';

it('a secret is hidden in every text of a value, at every occurrence', () => {
  const value = [{ type: 'message', text: 'a s3cret and a s3cret', n: 7, none: null, paths: ['x', 's3cret/y'] }];
  expect(withoutSecret(value, 's3cret')).toEqual([
    { type: 'message', text: 'a *** and a ***', n: 7, none: null, paths: ['x', '***/y'] },
  ]);
});

it('a value without a secret is returned unchanged', () => {
  const value = [{ text: 'nothing to hide', paths: ['x'] }];
  expect(withoutSecret(value, 's3cret')).toBe(value);
});
