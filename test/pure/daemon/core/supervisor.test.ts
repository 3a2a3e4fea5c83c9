import { describe, expect, it } from 'vitest';
import { createChangeFeed } from '#daemon/core/change-feed.ts';
import { Supervisor } from '#daemon/core/supervisor.ts';
import type { Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { aRun, noon, running } from '../../../support/runs.ts';

/** Returns a supervisor over a database that holds these runs, and what it did besides. */
function createSupervisor(stored: Run[] = []) {
  const done: string[] = [];
  const store = {
    transaction: (work: (tx: object) => unknown) => work({}),
    runs: { unsettled: () => [...stored], byNumber: () => null },
  };
  const supervisor = new Supervisor({
    store: store as unknown as Store,
    changeFeed: createChangeFeed(),
    now: () => noon,
    log: () => {},
  });
  supervisor.use({
    perform: () => {},
    views: [{ note: () => {}, reload: () => void done.push('queue read again') }],
    grants: () => [],
    react: () => {},
    buildRetry: () => null,
  });
  return { supervisor, done };
}

const broken = () => {
  throw new Error('broken');
};

describe('a transaction that fails', () => {
  it('undoes its changes elsewhere, and reads the queue again', () => {
    const { supervisor, done } = createSupervisor();
    expect(() =>
      supervisor.transaction((tx) => {
        for (const folder of ['a', 'b']) tx.onRollback(() => void done.push(`folder ${folder} removed`));
        broken();
      }),
    ).toThrow('broken');
    expect(done).toEqual(['folder a removed', 'folder b removed', 'queue read again']);
  });

  it('leaves in memory the runs that the database holds', () => {
    const stored: Run[] = [];
    const { supervisor } = createSupervisor(stored);
    stored.push(aRun(running(), { number: 7 }));
    expect(() => supervisor.transaction(broken)).toThrow('broken');
    expect(supervisor.awake().map(({ number }) => number)).toEqual([7]);
  });

  it('leaves nothing to be undone by the next one', () => {
    const { supervisor, done } = createSupervisor();
    supervisor.transaction((tx) => tx.onRollback(() => void done.push('undone')));
    expect(() => supervisor.transaction(broken)).toThrow('broken');
    expect(done).toEqual(['queue read again']);
  });
});
