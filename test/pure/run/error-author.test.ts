import { describe, expect, it } from 'vitest';
import { endOfOrder, endOfOutcome } from '#run/end-reason.ts';
import { isClipsSentence } from '#run/error-author.ts';
import type { Outcome } from '#run/run.ts';
import { judgeStream } from '#run/stream-outcome.ts';
import { emptyStreamState, fold } from '#run/stream-state.ts';
import { aSpec } from '../../support/runs.ts';

const own = ({ stopReason, error }: { stopReason: string; error: string | null }) =>
  error === null || isClipsSentence(stopReason, error);
const rules = { needsResult: true, classOfExit: (code: number) => (code === 42 ? ('unknown_session' as const) : null) };

describe('the author of an error', () => {
  it.each<[string, Outcome]>([
    ['an exit code', { kind: 'exited', code: 3 }],
    ['a signal', { kind: 'killed', signal: 'SIGKILL' }],
    ['a loss', { kind: 'lost' }],
    ['a start that failed', { kind: 'not_started' }],
  ])('is clip when the only known fact is %s', (_, outcome) => {
    expect(own(endOfOutcome(aSpec(), outcome, null))).toBe(true);
  });

  it('is clip when clip ordered the end', () => {
    for (const order of ['cancelled', 'paused', 'budget_paused', 'timeout', 'silence', 'output_limit'] as const)
      expect(own(endOfOrder(order))).toBe(true);
  });

  it('is clip when the stream has no reason', () => {
    const refused = fold(emptyStreamState, [{ type: 'refused', tool: 'Bash' }], 0);
    const mute = fold(emptyStreamState, [{ type: 'result', failure: { class: null, message: '', resetsAt: null } }], 0);
    const ends: [typeof emptyStreamState, number][] = [
      [refused, 0],
      [emptyStreamState, 0],
      [emptyStreamState, 42],
      [mute, 1],
    ];
    for (const [streamState, code] of ends) {
      const report = judgeStream(streamState, { code, signal: null }, rules);
      expect(report?.failure?.message).toMatch(/\S/);
      expect(own(endOfOutcome(aSpec(), { kind: 'exited', code }, report))).toBe(true);
    }
  });

  it('is the agent when its stream has the reason', () => {
    const streamState = fold(
      emptyStreamState,
      [{ type: 'result', failure: { class: null, message: 'Killed by the reviewers.', resetsAt: null } }],
      0,
    );
    const report = judgeStream(streamState, { code: 1, signal: null }, rules);
    expect(own(endOfOutcome(aSpec(), { kind: 'exited', code: 1 }, report))).toBe(false);
  });
});
