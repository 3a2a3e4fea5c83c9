import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createHome } from '../support/home.ts';

describe('clip demo', () => {
  it('shows a task finish despite two killed processes, and leaves nothing', async () => {
    const home = createHome();
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('clip-demo-'));
    const { code, stdout, stderr } = await home.clip(['demo']);
    expect([code, stderr]).toEqual([0, '']);
    const story = [
      'plan_only',
      'continuation attempt 1 of 2',
      'kill -9',
      'process_lost',
      'clip does not invent one',
      'advanced',
      'T1 is done.',
      '## Next action',
    ];
    let from = 0;
    for (const part of story) {
      const at = stdout.indexOf(part, from);
      expect([part, at >= from]).toEqual([part, true]);
      from = at;
    }
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('clip-demo-') && !before.includes(name))).toEqual([]);
    // The demo does not use the person's home.
    expect(home.pidsOf('daemon')).toEqual([]);
  });
});
