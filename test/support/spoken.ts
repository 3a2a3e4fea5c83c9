/** Last messages in several languages, with the verdict that a person would want of clip. The runs did nothing. */
import { classifyLiveness } from '#task/liveness/liveness.ts';
import { anInput } from './liveness.ts';

/** `blocked`: only a person can help. `plans`: it only announces. `claims`: it says that the work is done. */
export type Spoken = Readonly<Record<SpokenKind, readonly string[]>>;
export type SpokenKind = 'blocked' | 'plans' | 'claims' | 'other';
export const spokenKinds = ['blocked', 'plans', 'claims', 'other'] as const;

/**
 * The messages of a language. `first`: the rules were made with them. `apart`: written at the same time, and tried when
 * the rules stood. `traps`: written to fool the rules. `plain`: written last, of the kind that agents write.
 */
export type SpokenSets = Readonly<Record<SpokenSet, Spoken>>;
export type SpokenSet = 'first' | 'apart' | 'traps' | 'plain';
export const spokenSets = ['first', 'apart', 'traps', 'plain'] as const;

/** Returns the kind that clip takes a message for. */
export function kindOf(text: string): SpokenKind {
  const { state, claimsDone } = classifyLiveness(anInput({ text }));
  if (state === 'blocked') return 'blocked';
  if (state === 'plan_only') return 'plans';
  return claimsDone ? 'claims' : 'other';
}

export type Told = { readonly text: string; readonly expected: SpokenKind; readonly got: SpokenKind };

/** Returns what clip takes each message of these sets for. */
export function judgedSpoken(all: SpokenSets, sets: readonly SpokenSet[] = spokenSets): readonly Told[] {
  return sets.flatMap((set) =>
    spokenKinds.flatMap((expected) => all[set][expected].map((text) => ({ text, expected, got: kindOf(text) }))),
  );
}

/**
 * How many messages were right before the rules of a language were written, for all sets; then at the first try of those
 * sets that the rules had not been made with.
 */
export type Recorded = { readonly before: number; readonly tried: number };

/** Returns the table of docs/LIVENESS.md. */
export function spokenTable(
  languages: Readonly<Record<string, SpokenSets>>,
  recorded: Readonly<Record<string, Recorded>>,
): string {
  const share = (right: number, of: number) => `${right}/${of} = ${((100 * right) / of).toFixed(0)} %`;
  const right = (told: readonly Told[]) => told.filter(({ expected, got }) => expected === got).length;
  const rows = Object.entries(languages).map(([language, sets]) => {
    const { before = 0, tried = 0 } = recorded[language] ?? {};
    const all = judgedSpoken(sets);
    return {
      language,
      before,
      tried,
      of: all.length,
      apart: judgedSpoken(sets, ['apart', 'traps', 'plain']).length,
      now: right(all),
    };
  });
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
  const total = {
    language: '**all**',
    ...{ before: sum(({ before }) => before), tried: sum(({ tried }) => tried), of: sum(({ of }) => of) },
    ...{ apart: sum(({ apart }) => apart), now: sum(({ now }) => now) },
  };
  return [
    '| language | before | first try of those kept apart | now |',
    '|---|---:|---:|---:|',
    ...[...rows, total].map(
      ({ language, before, tried, of, apart, now }) =>
        `| ${language} | ${share(before, of)} | ${share(tried, apart)} | ${share(now, of)} |`,
    ),
  ].join('\n');
}
