/** How finished runs are judged: the cases of the reference system, with its names of states. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AgentStep, codexSays } from '../../support/agents.ts';
import { deep } from '../../support/deep.ts';
import { addTask, atRest, clipStep, ends, homeWith } from '../../support/task-runs.ts';

const { session, words, done, command } = codexSays;
const end = [done(10, 1), { exit: 0 }];
const plan = 'I will inspect the repo next and then implement the fix.';
const blocker = 'I cannot proceed because I need access credentials.';

/** Returns the verdict on one run of an unassigned task, so that no other run follows. */
async function judged(steps: readonly AgentStep[], task: readonly string[] = [], title = 'Fix the parser') {
  const { home } = await homeWith(() => [[session('s1'), ...steps]]);
  const number = await addTask(home, task, title);
  await home.clip(['run', '-w', '--agent', 'coder', '--task', `T${number}`, 'go']);
  const { runs } = await atRest(home, number);
  const [run] = runs;
  if (run === undefined) throw new Error('There is no run.');
  return {
    run,
    comment: (await home.json<{ comments: { at: string }[] }>(['task', 'show', `T${number}`, '--json'])).comments.at(
      -1,
    ),
  };
}

describe('a finished run is', () => {
  it('plan_only when its answer is a plan sentence, which is its next action', deep, async () => {
    const { run } = await judged([words(plan), ...end]);
    expect(run).toMatchObject({
      livenessState: 'plan_only',
      nextAction: expect.stringContaining('inspect the repo'),
      lastUsefulActionAt: null,
    });
  });

  // This differs from the reference, because models write it.
  it('plan_only when its words have a curly apostrophe', deep, async () => {
    expect(
      (await judged([words('I’ll inspect the repo next and then implement the fix.'), ...end])).run.livenessState,
    ).toBe('plan_only');
  });

  it('empty_response when it gave no answer', deep, async () => {
    expect((await judged(end)).run).toMatchObject({
      livenessState: 'empty_response',
      nextAction: null,
      lastUsefulActionAt: null,
    });
  });

  it('advanced by comments and documents, with the time of the last one', deep, async () => {
    const steps = [
      { run: 'echo x > notes.md' },
      clipStep('task doc put T1 notes notes.md'),
      clipStep('task comment T1 "half of it"'),
      words('Noted.'),
      ...end,
    ];
    const { run, comment } = await judged(steps);
    expect(run).toMatchObject({ livenessState: 'advanced', evidence: { comments: 1, documents: 1 } });
    expect(run.livenessReason).toMatch(/comment.*document|document.*comment/);
    expect(Date.parse(run.lastUsefulActionAt ?? '')).toBeGreaterThanOrEqual(Date.parse(comment?.at ?? 'never'));
  });

  // This differs from the reference, because they are the work.
  it('advanced by commands and changed files alone', deep, async () => {
    const { run } = await judged([...ends.changes.slice(1, 2), words(plan), ...end]);
    expect(run).toMatchObject({ livenessState: 'advanced', evidence: { filesChanged: 1 } });
  });

  it('plan_only without a useful action when it only read', deep, async () => {
    const { run } = await judged([command('a', 'ls -la'), command('b', 'git status'), words(plan), ...end]);
    expect(run).toMatchObject({ livenessState: 'plan_only', lastUsefulActionAt: null });
  });

  it('advanced by words alone on a planning task', deep, async () => {
    const { run } = await judged(
      [words('The plan has three parts: tokens, grammar, tests.'), ...end],
      ['--kind', 'plan'],
      'Plan the parser',
    );
    expect(run.livenessState).toBe('advanced');
  });

  it('advanced when it revised the plan document', deep, async () => {
    const { run } = await judged([
      { run: 'echo "1. fix" > plan.md' },
      clipStep('task doc put T1 plan plan.md'),
      words(plan),
      ...end,
    ]);
    expect(run).toMatchObject({ livenessState: 'advanced', evidence: { documents: 1 } });
  });

  it('blocked when it needs what it cannot get', deep, async () => {
    const { run } = await judged([words(blocker), ...end]);
    expect(run).toMatchObject({
      livenessState: 'blocked',
      livenessReason: expect.stringContaining('access credentials'),
      lastUsefulActionAt: null,
    });
  });

  it('blocked also with evidence, and keeps the time of its last useful action', deep, async () => {
    const { run } = await judged([clipStep('task comment T1 "half of it"'), words(blocker), ...end]);
    expect(run).toMatchObject({ livenessState: 'blocked', lastUsefulActionAt: expect.any(String) });
  });

  // This differs from the reference, because these words neither block nor plan.
  it.each([
    'The build was previously blocked but I fixed it.',
    'Waiting on the test suite took a while; it is green.',
    'Next: none',
  ])('needs_followup after "%s"', deep, async (text) => {
    expect((await judged([words(text), ...end])).run.livenessState).toBe('needs_followup');
  });
});

/** Returns the verdict on a run during which a person closed its task. */
async function judgedWhen(move: string, last: readonly AgentStep[]) {
  const { home, gate } = await homeWith((path) => [[session('s1'), { await: path }, ...last]]);
  const task = await addTask(home, []);
  const number = await home.submit(['--agent', 'coder', '--task', `T${task}`, 'go']);
  await home.untilStatus(number, 'running');
  await home.clip(['task', move, `T${task}`]);
  writeFileSync(gate, '');
  return (await atRest(home, task)).runs[0];
}

describe('a run whose task is done when it ends is', () => {
  it('completed when it succeeded', deep, async () => {
    expect(await judgedWhen('done', [words(plan), ...end])).toMatchObject({
      livenessState: 'completed',
      decision: { action: 'none' },
    });
  });

  it('failed when it failed', async () => {
    expect(await judgedWhen('done', [{ exit: 1 }])).toMatchObject({ livenessState: 'failed' });
  });
});
