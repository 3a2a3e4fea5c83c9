import { expect, it } from 'vitest';
import { parseUptime } from '#process/process-birth.ts';

it('the ticks since boot are those of /proc/uptime, despite inexact decimals', () => {
  expect(parseUptime('2715.63 4012.11')).toBe(271_563);
  for (let tick = 0; tick < 100_000; tick += 1) {
    const shown = `${Math.floor(tick / 100)}.${String(tick % 100).padStart(2, '0')} 1.00`;
    if (parseUptime(shown) !== tick) expect([shown, parseUptime(shown)]).toEqual([shown, tick]);
  }
});
