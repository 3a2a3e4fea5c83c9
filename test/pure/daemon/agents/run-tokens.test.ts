import { createSecretKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { computeToken, createRunTokens } from '#daemon/agents/run-tokens.ts';
import type { WriteTransaction } from '#store/transaction.ts';

function aHome() {
  const facts = new Map<string, string>();
  const meta = {
    readMeta: (key: string) => facts.get(key) ?? null,
    writeMeta: (_tx: WriteTransaction, key: string, value: string) => void facts.set(key, value),
    transaction: <T>(work: (tx: WriteTransaction) => T): T => work({} as WriteTransaction),
  };
  return { facts, meta };
}

it('a token of a run is an HMAC-SHA256 of its id, safe in a shell', () => {
  // RFC 4231, test case 2.
  expect(
    Buffer.from(
      computeToken(createSecretKey(Buffer.from('Jefe')), 'what do ya want for nothing?'),
      'base64url',
    ).toString('hex'),
  ).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  expect(createRunTokens(aHome().meta).of({ id: 'r1' })).toMatch(/^[\w-]{43}$/);
});

it('every daemon of a home gives a run the same token, and each home another', () => {
  const { facts, meta } = aHome();
  const token = createRunTokens(meta).of({ id: 'r1' });
  expect(createRunTokens(meta).of({ id: 'r1' })).toBe(token);
  expect(facts.get('run_secret')).toMatch(/^[0-9a-f]{64}$/);
  expect(createRunTokens(aHome().meta).of({ id: 'r1' })).not.toBe(token);
});

it('only its own token is valid for a run', () => {
  const tokens = createRunTokens(aHome().meta);
  const token = tokens.of({ id: 'r1' });
  expect(tokens.isOf({ id: 'r1' }, token)).toBe(true);
  for (const wrong of [tokens.of({ id: 'r2' }), '', token.slice(0, -1), `${token}x`, 'ä'.repeat(43)])
    expect(tokens.isOf({ id: 'r1' }, wrong)).toBe(false);
});
