import { describe, expect, it } from 'vitest';
import { runTable } from '#cli/commands/runs.ts';
import { measureWidth } from '#cli/terminal/width.ts';
import type { RunView } from '#protocol/answers.ts';
import { buildRunView } from '#protocol/build-views.ts';
import type { Run } from '#run/run.ts';
import { aRun } from '../support/runs.ts';

const at = Date.UTC(2026, 10, 22, 12, 0, 0);

function view(number: number, command: string[], state: Run['state'], name: string | null = null): RunView {
  const run = aRun(state, { number, spec: { command, name } });
  return buildRunView(
    { ...run, queuedAt: at - 60_000 },
    {
      folder: '/home/runs/x',
      title: null,
      output: null,
      archive: null,
      waitingFor: null,
      sample: null,
      left: null,
      reports: 0,
      digest: null,
      retriedBy: null,
      retryOf: null,
      parentRun: null,
      unseen: false,
      at,
    },
  );
}

const ended: Run['state'] = {
  status: 'failed',
  outcome: { kind: 'exited', code: 7 },
  stopReason: 'exit_nonzero',
  errorCode: 'exit_nonzero',
  error: null,
  errorBy: null,
  remark: null,
  timeoutFired: false,
  leader: null,
  startedAt: at - 59_000,
  endedAt: at - 47_000,
  stop: null,
  leaked: [],
  workspace: null,
  liveness: null,
  decision: null,
  acknowledged: null,
  pending: [],
};

const runs = [
  view(12, ['make', 'test', '--', `${'long '.repeat(40)}`], ended, 'nightly'),
  view(11, ['sleep', '100'], { status: 'queued', notBefore: null }),
  view(10, ['printf', '\u001b[31mred\u001b[0m\nsecond line'], {
    ...ended,
    status: 'succeeded',
    outcome: { kind: 'exited', code: 0 },
    stopReason: 'completed',
    errorCode: null,
  }),
];

function lines(width: number | null, colour = false): string[] {
  const context = { look: { colour, width } } as unknown as Parameters<typeof runTable>[0];
  return runTable(context, runs, at).split('\n');
}

describe('the list of runs', () => {
  it('shows each run with its number, status, end and command', () => {
    const [head, failed, queued, succeeded] = lines(120);
    expect(head).toMatch(/^RUN {2}STATUS +END +NAME +TIME +QUEUED +WHAT$/);
    expect(failed).toMatch(/^ 12 {2}✗ failed +exit 7 +nightly +12\.0 s +1 min ago {2}make test/);
    expect(queued).toMatch(/^ 11 {2}◦ queued +– +1 min ago {2}sleep 100$/);
    expect(succeeded).toMatch(/✓ succeeded +exit 0/);
  });

  it.each([40, 60, 80, 120])('fits a terminal of %i columns', (width) => {
    for (const line of lines(width)) expect(measureWidth(line)).toBeLessThanOrEqual(width);
  });

  it('cuts nothing where there is no terminal', () => {
    expect(lines(null)[1]).toContain('long '.repeat(40).trimEnd());
  });

  it('prints no control sequence of a command, and one line for each run', () => {
    const all = lines(120);
    expect(all).toHaveLength(4);
    expect(all.join('')).not.toContain('\u001b');
  });

  it('has colors only on request', () => {
    expect(lines(120, true).join('')).toContain('\u001b[31m✗ failed\u001b[0m');
  });
});
