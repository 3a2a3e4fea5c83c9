import { describe, expect, it } from 'vitest';
import { ledgerRow } from '#cli/format/ledger.ts';
import { formatSum } from '#cli/format/totals.ts';
import { aView } from '../../../support/views.ts';

const row = (given: Parameters<typeof aView>[0]) =>
  ledgerRow({ colour: false, width: null }, aView(given), { now: Date.UTC(2026, 5, 1, 12), withTask: false });
const startedAt = '2026-06-01T11:59:00.000Z';
const evidence = {
  toolCalls: 3,
  messages: 1,
  commands: 2,
  commandsFailed: 0,
  commandsOpen: 0,
  filesChanged: 0,
  commits: 0,
  comments: 0,
  documents: 0,
  reports: 0,
};

describe('a row of the ledger', () => {
  it('does not show a queued run as running', () => {
    const text = row({ status: 'queued', agentName: 'coder', startedAt: null, endedAt: null });
    expect(text).toMatch(/coder {2}not started yet/);
    expect(text).toMatch(/stop +Waits: it starts in a moment/);
    expect(text).not.toMatch(/running/i);
  });

  it('shows the tool calls of a live run, judged after its end', () => {
    const text = row({ status: 'running', agentName: 'coder', startedAt, endedAt: null, evidence });
    expect(text).toMatch(/Running now by coder/);
    expect(text).toMatch(/last useful +3 tool calls so far, judged after the end/);
  });

  it('shows for a judged run without a useful action that none was seen', () => {
    expect(row({ agentName: 'coder', startedAt, endedAt: startedAt, evidence, livenessState: 'plan_only' })).toMatch(
      /last useful +None was seen/,
    );
  });
});

describe('the totals of the ledger', () => {
  it('name no cost before a run has ended', () => {
    const none = { runs: 0, timeMs: 0, inputTokens: 0, outputTokens: 0, costUsd: 0, costUnknown: 0 };
    const sum = { ...none, cachedInputTokens: 0, tokensUnknown: 0, tokensPartial: 0, advancedShare: null };
    expect(formatSum(sum)).toBe('no run has ended yet');
    expect(formatSum({ ...sum, runs: 1, costUsd: 0.5 })).toContain('1 ended run, 0 ms, 0 in, 0 out, $0.50');
  });
});
