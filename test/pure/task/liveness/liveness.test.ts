import { describe, expect, it } from 'vitest';
import { classifyLiveness } from '#task/liveness/liveness.ts';
import { all } from './cases.ts';

const got = (each: (typeof all)[number]) => classifyLiveness(each.input);

describe('a finished run', () => {
  it.each(all.map((each) => ({ ...each, title: `${each.known ?? each.expected}: ${each.name} (${each.why})` })))(
    'is $title',
    (each) => {
      const verdict = got(each);
      expect(verdict.state).toBe(each.known ?? each.expected);
      if (each.next !== undefined) expect(verdict.nextAction).toBe(each.next);
      if (each.useful !== undefined) expect(verdict.lastUsefulActionAt).toBe(each.useful);
    },
  );
});
