/** What a run proves itself with when it reports: nobody else's reports are taken for its own. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Store } from '../store/store.ts';

export type RunTokens = ReturnType<typeof createRunTokens>;

const secretBytes = 32;

/** Tokens are computed, not stored: a run that was found again after a crash has the one it was started with. */
export function createRunTokens(store: Pick<Store, 'readMeta' | 'writeMeta' | 'transaction'>) {
  const secret = Buffer.from(store.transaction(secretOfHome), 'hex');

  function secretOfHome(): string {
    const known = store.readMeta('run_secret');
    if (known !== null) return known;
    const made = randomBytes(secretBytes).toString('hex');
    store.writeMeta('run_secret', made);
    return made;
  }

  return {
    of: ({ id }: { readonly id: string }): string => tokenOf(secret, id),
    isOf(run: { readonly id: string }, token: string): boolean {
      const right = Buffer.from(tokenOf(secret, run.id));
      const given = Buffer.from(token);
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

export function tokenOf(secret: Buffer, runId: string): string {
  return createHmac('sha256', secret).update(runId).digest('base64url');
}
