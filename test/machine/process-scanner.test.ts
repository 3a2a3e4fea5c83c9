import { describe, expect, it } from 'vitest';
import { ProcessScanner } from '#daemon/processes/process-scanner.ts';

const heldUpMs = 2_000;

describe('a scan of the process table', () => {
  it('is not followed by a long pause when it was delayed', async () => {
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    let passes = 0;
    const scanner = new ProcessScanner({
      ours: () => {
        passes += 1;
        // Time passes without any computation.
        if (passes === 1) Atomics.wait(nothing, 0, 0, heldUpMs);
        return new Set();
      },
      remote: () => null,
      isForeign: () => false,
    });
    await scanner.find('rnobody', null);
    const from = performance.now();
    await scanner.find('rnobody', null);
    expect(passes).toBe(2);
    expect(performance.now() - from).toBeLessThan(heldUpMs * 4);
  });
});
