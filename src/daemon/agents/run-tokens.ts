/** The token with which a run authenticates its reports, so other processes cannot report for it. */
import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Store } from '#store/store.ts';
import type { WriteTransaction } from '#store/transaction.ts';

export type RunTokens = ReturnType<typeof createRunTokens>;

const secretBytes = 32;

/** Creates the tokens. They are computed, not stored, so a run that is recovered after a crash keeps its token. */
export function createRunTokens(store: Pick<Store, 'readMeta' | 'writeMeta' | 'transaction'>) {
  const secret = createSecretKey(store.transaction(findSecret), 'hex');

  function findSecret(tx: WriteTransaction): string {
    const known = store.readMeta('run_secret');
    if (known !== null) return known;
    const made = randomBytes(secretBytes).toString('hex');
    store.writeMeta(tx, 'run_secret', made);
    return made;
  }

  return {
    of: ({ id }: { readonly id: string }): string => computeToken(secret, id),
    isOf(run: { readonly id: string }, token: string): boolean {
      const right = Buffer.from(computeToken(secret, run.id));
      const given = Buffer.from(token);
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

export function computeToken(secret: KeyObject, runId: string): string {
  return createHmac('sha256', secret).update(runId).digest('base64url');
}
