/** The tables of docs/LIVENESS.md: how often each verdict is right. */
import { type LivenessState, livenessStates } from '#run/run.ts';
import { classifyLiveness } from '#task/liveness/liveness.ts';
import type { LivenessCase } from './liveness.ts';

export type Judged = {
  readonly expected: LivenessState;
  readonly got: LivenessState;
  readonly name: string;
  readonly why: string;
};

export function judged(cases: readonly LivenessCase[]): readonly Judged[] {
  return cases.map(({ expected, input, name, why }) => ({ expected, got: classifyLiveness(input).state, name, why }));
}

/**
 * Returns the tables: expected verdicts as rows, actual verdicts as columns; then precision and recall, and every miss.
 */
export function confusionWords(all: readonly Judged[]): string {
  const count = (test: (each: Judged) => boolean) => all.filter(test).length;
  const cells = (expected: LivenessState) =>
    livenessStates.map((got) => count((each) => each.expected === expected && each.got === got) || '·');
  const ratio = (state: LivenessState, of: 'expected' | 'got') => {
    const right = count((each) => each.expected === state && each.got === state);
    const total = count((each) => each[of] === state);
    return `${right}/${total} = ${((100 * right) / total).toFixed(1)} %`;
  };
  const misses = all.filter(({ expected, got }) => expected !== got);
  return [
    `${all.length} cases; expected down, got across.`,
    '',
    `| | ${livenessStates.join(' | ')} |`,
    `|---|${livenessStates.map(() => '---:|').join('')}`,
    ...livenessStates.map((state) => `| **${state}** | ${cells(state).join(' | ')} |`),
    '',
    '| state | precision | recall |',
    '|---|---:|---:|',
    ...livenessStates.map((state) => `| ${state} | ${ratio(state, 'got')} | ${ratio(state, 'expected')} |`),
    '',
    'Known misses:',
    '',
    ...misses.map(({ expected, got, name, why }) => `- \`${name}\` is ${expected}, judged ${got} (${why})`),
  ].join('\n');
}
