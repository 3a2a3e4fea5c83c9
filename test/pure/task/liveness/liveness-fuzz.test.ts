/** @module-tag fuzz */
import { array, assert, constantFrom, integer, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportKinds } from '#run/agent-report.ts';
import { livenessStates } from '#run/run.ts';
import { classifyLiveness } from '#task/liveness/liveness.ts';
import { taskStatuses } from '#task/task.ts';
import { fuzzRuns } from '../../../support/fuzz-runs.ts';
import { anInput, commands } from '../../../support/liveness.ts';
import { all } from './cases.ts';

const numRuns = fuzzRuns(1_000);
const binary = string({ unit: 'binary', maxLength: 200 });
const parts = constantFrom(
  ...[
    'I am blocked',
    'I need ',
    'your approval',
    'I will ',
    'inspect',
    ' the repo',
    'Plan:',
    'Next step:',
    'Next: ',
    'none',
    '\n',
    '\n\n',
    '- ',
    '- [x] ',
    '> ',
    '```',
    '~~~',
    '`',
    '"',
    '“',
    '”',
    "'",
  ],
  ...[
    '’',
    '. ',
    ': ',
    ', ',
    '? ',
    ' but ',
    ' if ',
    ' so I ',
    'fixed it',
    '# ',
    '**',
    '*',
    '|',
    '{"',
    'waiting for ',
    'credentials',
    'cannot proceed',
    'to ',
    'the ',
    'a ',
    '接下来',
    '。',
    'ich werde ',
    '\u200b',
    '\ud83d',
    '\r',
    '\t',
    '    ',
  ],
);
const words = oneof(
  binary,
  array(oneof({ weight: 6, arbitrary: parts }, { weight: 1, arbitrary: binary }), { maxLength: 60 }).map((pieces) =>
    pieces.join(''),
  ),
);

function isWhole(text: string): boolean {
  return text.length <= 500 && !/[\n\r]/.test(text) && text.trim() !== '';
}

describe('a run with arbitrary words', () => {
  it('has one stable verdict with a bounded reason and next action', () => {
    assert(
      property(words, (text) => {
        const verdict = classifyLiveness(anInput({ text }));
        expect(['empty_response', 'blocked', 'plan_only', 'needs_followup']).toContain(verdict.state);
        expect(isWhole(verdict.reason)).toBe(true);
        expect(verdict.nextAction === null || isWhole(verdict.nextAction)).toBe(true);
        expect(verdict.lastUsefulActionAt).toBeNull();
        expect(classifyLiveness(anInput({ text }))).toEqual(verdict);
      }),
      { numRuns },
    );
  });

  it('is neither blocked nor plan_only by a quotation, fence or code', () => {
    const said = constantFrom(
      ...all
        .filter(
          ({ expected, input }) =>
            (expected === 'blocked' || expected === 'plan_only') && !/["`~“”>\n]/.test(input.text),
        )
        .map(({ input }) => input.text),
    );
    const quoted = constantFrom(
      ...[
        (text: string) => `> ${text}`,
        (text: string) => `It says:\n\n\`\`\`\n${text}\n\`\`\`\n\nThat is all.`,
        (text: string) => `The issue says "${text}" and no more.`,
        (text: string) => `The text is \`${text}\` there.`,
      ],
      ...[
        (text: string) => `~~~\n${text}\n~~~`,
        (text: string) => `Found:\n\n    ${text}\n\nin the log.`,
        (text: string) => `“${text}” is what it prints.`,
        (text: string) => JSON.stringify({ text }),
      ],
    );
    assert(
      property(said, quoted, (text, quote) => {
        if (text.trim() === '') return;
        expect(['needs_followup', 'empty_response']).toContain(classifyLiveness(anInput({ text: quote(text) })).state);
      }),
      { numRuns },
    );
  });

  it('is never completed, advanced or failed by its words', () => {
    assert(
      property(words, constantFrom(...taskStatuses), (text, status) => {
        const state = classifyLiveness(anInput({ text, task: { status } })).state;
        expect(state === 'completed').toBe(status === 'done' || status === 'cancelled');
        expect(['advanced', 'failed']).not.toContain(state);
      }),
      { numRuns },
    );
  });

  it('is never plan_only or empty_response after work', () => {
    assert(
      property(words, (text) => {
        expect(['advanced', 'blocked']).toContain(
          classifyLiveness(anInput({ text, streamState: commands('npm test') })).state,
        );
      }),
      { numRuns },
    );
  });

  it('has a verdict with arbitrary reports and tasks', () => {
    const report = property(words, words, constantFrom(...reportKinds), integer(), (text, other, kind, at) => {
      const verdict = classifyLiveness(
        anInput({ text, task: { title: other, description: text }, reports: [{ kind, text: other, who: other, at }] }),
      );
      expect(livenessStates).toContain(verdict.state);
      expect(isWhole(verdict.reason)).toBe(true);
      expect(verdict.nextAction === null || isWhole(verdict.nextAction)).toBe(true);
    });
    assert(report, { numRuns });
  });
});

describe('a message of a megabyte', () => {
  const pieces = [
    'a',
    ' ',
    '\n',
    '"',
    "'",
    '`',
    '``',
    '```',
    '*',
    '**',
    '> ',
    '#',
    '- ',
    '[',
    '{"',
    '|',
    '(',
    '.',
    '. ',
    ', ',
    ': ',
    'I ',
    'I am ',
    "I'm still ",
    'now ',
    'first ',
    'so ',
    'the ',
    'I need ',
    'I need the ',
  ];
  const more = [
    'I need your ',
    'I cannot ',
    "I can't still now ",
    'waiting ',
    'waiting for the ',
    'blocked ',
    'please provide ',
    'I will ',
    'I will, ',
    'To do x, ',
    'next ',
    'Next: ',
    'Plan:\n',
    'run ',
    'run a ',
    'next is ',
    '“',
    '«',
    '「',
    '_ ',
    'aed ',
    'the the ',
    'my next ',
    "don't have ",
    'I lack so ',
    '我将',
    '次に',
    'ich kann nicht ',
    'j’ai ',
    '<',
    '\\',
    '\u200b',
    '\ud83d',
    '==',
    '1. ',
    ' \t',
  ];

  it.each([...pieces, ...more])('of %j is judged quickly', (piece) => {
    const text = piece.repeat(Math.ceil(1_000_000 / piece.length));
    const input = anInput({ text, task: { title: text, description: text } });
    const began = performance.now();
    classifyLiveness(input);
    // A pattern that backtracks takes minutes. The bound holds on a busy machine.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
