import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Finalizer } from '#daemon/processes/finalize.ts';
import { anEnd, aRun } from '../../../support/runs.ts';

type Deps = ConstructorParameters<typeof Finalizer>[0];

describe('the continuation summary of an ended run', () => {
  it('is written only after its verdict', async () => {
    const run = aRun(anEnd({ pending: ['liveness', 'summary'] }));
    const done: string[] = [];
    const store: (() => void)[] = [];
    const finalizer = new Finalizer({
      supervisor: {
        find: () => run,
        submitSoon: (_: number, { step }: { readonly step: string }) =>
          new Promise<void>((resolve) => {
            store.push(() => {
              done.push(`${step} stored`);
              resolve();
            });
          }),
      },
      budgets: { noteOverrun: () => {} },
      runJudge: { judge: () => null },
      handoff: { refresh: async () => void done.push('summary written') },
      log: () => {},
    } as unknown as Deps);
    finalizer.finalize(run.number);
    await turn();
    expect([done, store.length]).toEqual([[], 1]);
    store[0]?.();
    await turn();
    expect(done).toEqual(['liveness stored', 'summary written']);
  });
});
