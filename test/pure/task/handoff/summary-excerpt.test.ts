import { describe, expect, it } from 'vitest';
import { continuationSummary } from '#task/handoff/summary.ts';
import { injected } from '#task/handoff/summary-excerpt.ts';
import { reports } from '../../../support/liveness.ts';
import { noon } from '../../../support/runs.ts';
import { aSummaryInput, aSummaryRun, fencesClose, sectionsOf } from '../../../support/summaries.ts';

const much = (word: string) => `${word} `.repeat(400);
const long = continuationSummary(
  aSummaryInput({
    task: { description: much('objective'), acceptance: much('criterion') },
    runs: Array.from({ length: 10 }, (_, index) =>
      aSummaryRun({
        number: 42 - index,
        reports: reports(['next', `first ${much('next')}`], ['summary', much('claim')]),
      }),
    ),
    comments: [{ author: 'Ann', text: much('comment'), at: noon, byPerson: true }],
  }),
);

describe('the excerpt for the next run', () => {
  it('is the whole summary, when it is short', () => {
    const summary = continuationSummary(aSummaryInput());
    expect(injected(summary)).toBe(summary);
  });

  it('is the main part of a long one, in order, marked as a part', () => {
    const given = injected(long);
    expect(long.length).toBeGreaterThan(4_000);
    expect(given.length).toBeLessThanOrEqual(4_000);
    expect(given).toContain('This is a part of the summary; `clip handoff "$CLIP_TASK"` shows all of it.');
    expect(given).toContain('[cut]');
    expect(fencesClose(given)).toBe(true);
    const sections = sectionsOf(given);
    expect([...sections.keys()].slice(0, 3)).toEqual(['Objective', 'Acceptance criteria', 'State of the work']);
    expect(sections.has('Recent actions')).toBe(false);
    expect(sections.get('Next action')).toBe(sectionsOf(long).get('Next action'));
  });

  it('has the next action even with hardly any room for more', () => {
    expect(sectionsOf(injected(long, 900)).get('Next action')).toContain('> first next');
    expect(injected(long, 900).length).toBeLessThanOrEqual(900);
  });

  it('closes the fences of a damaged summary', () => {
    expect(injected('# Continuation summary\n\n```\nopen')).toBe('# Continuation summary\n\n```\nopen\n```');
    expect(fencesClose(injected(`## Objective\n\n~~~~\n${much('open\n')}`, 500))).toBe(true);
  });
});
