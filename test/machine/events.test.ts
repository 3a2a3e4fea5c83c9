import { describe, expect, it } from 'vitest';
import { createHome } from '../support/home.ts';
import { until } from '../support/until.ts';

describe('a client that follows the events', () => {
  it('gets each event at once, also events about no live run', async () => {
    const home = createHome();
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
    await until('the run has settled', async () => (await home.show(1)).settled);
    let told = '';
    home.start(['events', '-f']).stdout?.on('data', (chunk: Buffer) => {
      told += chunk.toString();
    });
    await until('the end of the run is printed', () => told.includes('"tidy"'));
    for (const [args, type] of [
      [['rm', '1'], 'removed'],
      [['group', 'set', 'gpu', '--limit', '2'], 'group-changed'],
      [['queue', 'hold'], 'queue-held'],
      [['queue', 'release'], 'queue-released'],
      [['agent', 'add', 'coder', '--adapter', 'plain', '--command', 'true'], 'agent-added'],
      [['agent', 'rm', 'coder'], 'agent-removed'],
    ] as const) {
      expect((await home.clip(args)).code).toBe(0);
      await until(`${type} is received`, () => told.includes(`"type":"${type}"`), 10_000);
    }
  });
});
