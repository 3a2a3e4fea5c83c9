/** The next action, in the agent's own words. */

import { bounded, isNone, type Line, splitSentences } from './parse-message.ts';
import { firstIntent, isPlanHeading } from './plan-only.ts';

export const nextActionLength = 500;

/**
 * Returns what the agent labels as its next action, on the same line or below. `action` is null when the agent says
 * that there is none.
 */
export function labelledNext(lines: readonly Line[]): { readonly action: string | null } | null {
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index];
    if (line === undefined || line.kind !== 'prose') continue;
    const value = label.exec(line.shown)?.[1] ?? (line.heading && title.test(line.text) ? '' : null);
    if (value === null) continue;
    const said = value.trim() === '' ? below(lines.slice(index + 1)) : value;
    if (said === null) continue;
    return { action: isNone(said) ? null : bounded(said, nextActionLength) };
  }
  return null;
}

/**
 * Returns the likely next action of an agent that names none: its announcement, the first item of its plan, or an
 * instruction.
 */
export function derivedNext(lines: readonly Line[]): string | null {
  const heading = lines.findIndex(isPlanHeading);
  const found =
    (heading >= 0 ? below(lines.slice(heading + 1)) : null) ?? inline(lines) ?? firstIntent(lines) ?? imperative(lines);
  return found === null || isNone(found) ? null : bounded(found, nextActionLength);
}

const names =
  '(?:next(?: steps?| actions?| up)?|nächster? schritte?|als nächstes|prochaines? (?:étapes?|actions?)|próximos? pass?os?|siguientes? pasos?|следующ(?:ий шаг|ие шаги)|次のステップ|次のアクション|下一步|后续步骤|다음 단계)';
const label = new RegExp(
  `^(?:(?:the|my|our|suggested|recommended|proposed|immediate|concrete)\\s+){0,3}${names}\\s*(?:[:：]|\\s[-—–]\\s|\\s(?:is|are|would be)\\s+(?:to\\s+)?)\\s*(.*)$`,
  'i',
);
const title = new RegExp(`^(?:(?:the|my|our|suggested|recommended|proposed|immediate)\\s+){0,3}${names}$`, 'i');

function inline(lines: readonly Line[]): string | null {
  const found = lines.flatMap(({ kind, shown }) =>
    kind === 'prose' ? [/^(?:my |the )?plan\s*[:：]\s*(\S.*)$/i.exec(shown)?.[1]] : [],
  );
  return found.find((value) => value !== undefined) ?? null;
}

/** Returns the first line below a label that is not ticked off. Another heading ends the search. */
function below(lines: readonly Line[]): string | null {
  for (const line of lines) {
    if (line.heading) return null;
    if (!line.ticked && line.shown !== '') return line.shown;
  }
  return null;
}

const verbs =
  /^(?:please )?(?:run|re-?run|add|fix|check|verify|update|implement|write|create|remove|review|open|install|configure|set|test|deploy|merge|investigate|confirm|provide|restart|enable|rename|move|replace|push|publish|refactor|decide|choose)\s+(?:\S+\s+)*\S+$/i;

function imperative(lines: readonly Line[]): string | null {
  const sentences = lines.flatMap((line) => (line.kind === 'prose' ? splitSentences(line.shown) : []));
  return (
    sentences.findLast(
      (sentence) => sentence.length <= nextActionLength && !sentence.endsWith('?') && verbs.test(sentence),
    ) ?? null
  );
}
