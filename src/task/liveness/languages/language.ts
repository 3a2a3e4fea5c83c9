/**
 * The phrases of one language that the verdict knows, and how they are parsed. Each phrase is the source of a regular
 * expression. Gaps in it are bounded, and a sentence is judged by its beginning alone, so no text takes long.
 */

export type Phrases = {
  /** Whether words are separated by spaces. Phrases of such a language match whole words. */
  readonly spaced: boolean;
  /** The agent cannot go on, lacks what only a person can give, or waits for a person. */
  readonly blocked: readonly string[];
  /** What only a person can give, and those who can give it. */
  readonly things: readonly string[];
  /** A request to give, add, renew or allow something. It counts beside a thing. */
  readonly gives: readonly string[];
  /** Why a request keeps the agent from its work: it cannot do something, or it goes on with what it asks for. */
  readonly purposes: readonly string[];
  /** A request to decide. */
  readonly decides: readonly string[];
  /** A question about what a person wants, or whether something that cannot be undone may be done. */
  readonly questions: readonly string[];
  /** A question with any of these offers more work. */
  readonly offers: readonly string[];
  /** Conditions, the past, negations, others than the agent. A sentence with any of these declares nothing. */
  readonly unless: readonly string[];
  /** Behind a blocker: it was overcome. */
  readonly overcome: readonly string[];
  /** A sentence that announces work. It is matched from its beginning. */
  readonly announces: readonly string[];
  /** A sentence that says that the work is done. It is matched from its beginning. */
  readonly claims: readonly string[];
  /** Work is left. */
  readonly left: readonly string[];
};

export type Language = { readonly [K in Exclude<keyof Phrases, 'spaced'>]: RegExp };

/** Longer than any sentence that declares something. */
export const sentenceLength = 500;

const never = /^(?!)/;

/** Returns the language with its phrases parsed. */
export function parsePhrases(phrases: Phrases): Language {
  const anywhere = (sources: readonly string[]) => parse(sources, phrases.spaced, false);
  const atStart = (sources: readonly string[]) => parse(sources, phrases.spaced, true);
  return {
    blocked: anywhere(phrases.blocked),
    things: anywhere(phrases.things),
    gives: anywhere(phrases.gives),
    purposes: anywhere(phrases.purposes),
    decides: anywhere(phrases.decides),
    questions: anywhere(phrases.questions),
    offers: anywhere(phrases.offers),
    unless: anywhere(phrases.unless),
    overcome: anywhere(phrases.overcome),
    announces: atStart(phrases.announces),
    claims: atStart(phrases.claims),
    left: anywhere(phrases.left),
  };
}

function parse(sources: readonly string[], spaced: boolean, isStart: boolean): RegExp {
  if (sources.length === 0) return never;
  const any = `(?:${sources.join('|')})`;
  const before = isStart ? '^' : spaced ? '(?<![\\p{L}\\p{N}])' : '';
  return new RegExp(`${before}${any}${spaced ? '(?![\\p{L}\\p{N}])' : ''}`, 'iu');
}
