import { describe, expect, it } from 'vitest';
import { changes } from '#cli/dashboard/describe-changes.ts';
import { aBoard, at, busy } from '../support/dashboard.ts';
import { noon } from '../support/runs.ts';
import { hostileText, steering } from '../support/terminal.ts';

const { running, failed, queued } = busy;
const before = aBoard({ live: [running], recent: [failed] });

describe('described changes', () => {
  it('are the current state at first, without earlier ends', () => {
    expect(changes(null, before, noon)).toEqual([
      'clip 0.1.0 has been up for 1 h: 1 live run, 0 queued, 1 of 4 commands, 0 of 8 agents.',
      'Run 12 is running (coder for T7).',
    ]);
  });

  it('include each end, even of a run that came and went in between', () => {
    const ended = { ...running, endedAt: at(0), exitCode: 0 };
    const said = (['succeeded', 'failed', 'timed_out', 'cancelled'] as const).map(
      (status) => changes(before, aBoard({ recent: [{ ...ended, status }, failed] }), noon)[0],
    );
    for (const [index, words] of ['has succeeded', 'has failed', 'has timed out', 'was cancelled'].entries())
      expect(said[index]).toMatch(new RegExp(`^Run 12 ${words} after 4 min 5 s \\(.+\\)\\.$`));
    const unseen = { ...failed, number: 14, endedAt: at(-1_000) };
    expect(changes(before, aBoard({ live: [running], recent: [unseen, failed] }), noon)).toEqual([
      expect.stringMatching(/^Run 14 has failed/),
    ]);
  });

  it('exclude an old end that a removal or a restart makes visible', () => {
    const older = { ...failed, number: 3, endedAt: at(-500_000) };
    expect(changes(before, aBoard({ live: [running], recent: [failed, older] }), noon)).toEqual([]);
  });

  it('include what waits and why, what needs a person, and what is held', () => {
    const held = aBoard(
      { live: [running], queued: [queued], recent: [failed], needsYou: [busy.need] },
      { queue: { held: true, queued: 1, slots: 4, taken: 1, agentSlots: 8, agentsTaken: 0 } },
    );
    const lines = changes(before, held, noon);
    expect(lines).toContain('T7 Make the tests pass needs you: Which database? Settle it, then: clip continue T7');
    expect(lines).toContain('The queue is held: clip resume');
    expect(lines[0]).toMatch(/^Run 13 is queued \(.+\), waiting for a free slot\.$/);
    expect(changes(held, held, noon)).toEqual([]);
  });

  it('contain no control sequences', () => {
    const trouble = { code: 'disk_full', message: hostileText, hint: hostileText };
    const hostile = aBoard({
      queued: [{ ...queued, waitingFor: hostileText, command: [hostileText] }],
      needsYou: [{ ...busy.need, title: hostileText, what: hostileText, next: hostileText }],
    });
    const all = changes(before, { ...hostile, daemon: { ...hostile.daemon, trouble } }, noon);
    expect(steering(all.join('\n'))).toEqual([]);
  });
});
