/** Formats facts about a thing, one line each. */
import { clean } from '../terminal/clean.ts';
import { paint, type TextStyle } from '../terminal/style.ts';

/** A name with a text. A fact without a text is not shown. */
export type Fact = readonly [name: string, text: string | null];

const nameWidth = 12;

/** Formats a title, and the facts below it. */
export function formatFacts(look: TextStyle, title: string, facts: readonly Fact[]): string {
  const rows = facts.flatMap(([name, text]) => (text === null ? [] : [`  ${name.padEnd(nameWidth)}${text}`]));
  return `${paint(title, 'bold', look)}\n${rows.join('\n')}`;
}

/** Cleans a text of others, if there is one. */
export function cleanFact(text: string | null): string | null {
  return text === null ? null : clean(text);
}
