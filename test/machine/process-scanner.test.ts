import { describe, expect, it } from 'vitest';
import { ProcessScanner } from '#daemon/processes/process-scanner.ts';

const heldUpMs = 2_000;

describe('a scan of the process table', () => {
  it('that was delayed, by a stop or a busy machine, is not followed by a long pause', async () => {
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    let passes = 0;
    const sweeper = new ProcessScanner({
      ours: () => {
        passes += 1;
        // Time goes by, and nothing is computed.
        if (passes === 1) Atomics.wait(nothing, 0, 0, heldUpMs);
        return new Set();
      },
      remote: () => null,
      isForeign: () => false,
    });
    await sweeper.find('rnobody', null);
    const from = performance.now();
    await sweeper.find('rnobody', null);
    expect(passes).toBe(2);
    expect(performance.now() - from).toBeLessThan(heldUpMs * 4);
  });
});
