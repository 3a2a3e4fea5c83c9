/**
 * The part of a continuation summary that the next run gets: all of it when it is short, otherwise the most important
 * sections. The stored text may have been edited by a person, so its form is not assumed. The excerpt always fits, and
 * leaves no fence open that would swallow the rest of a prompt.
 */
import { closed, fenceAfter } from './code-fences.ts';
import { cutMark, whole } from './quote.ts';

/** Leaves room for the rest of the prompt. */
const injectedLength = 4_000;
const notice = 'This is a part of the summary; `clip handoff "$CLIP_TASK"` shows all of it.';

/** The sections in order of importance. Unnamed sections come last. */
const order = [
  'Next action',
  'State of the work',
  'Decisions and blockers',
  'How the last run stopped',
  'Objective',
  'Acceptance criteria',
  'How to resume',
  'Files touched',
  'Commands run',
  'Recent actions',
];
/**
 * The length that each of the first six sections gets before any gets more. A few lines of the others are better than
 * none.
 */
const shareFirst = 450;
const firstCount = 6;
const sectionMin = 80;

/** Returns the part of a summary that a prompt gets, at most `max` characters. */
export function injected(summary: string, max: number = injectedLength): string {
  const text = closed(summary.replace(/\r\n?/g, '\n'));
  if (text.length <= max) return text;
  const [top = '', ...sections] = split(text);
  if (sections.length === 0) return bounded(text, max);
  const head = `${bounded(top.trimEnd(), Math.min(top.length, Math.floor(max / 5)))}\n\n${notice}`;
  const rooms = allotLengths(sections, max - head.length);
  const shown = sections.flatMap((section, index) => {
    const room = rooms[index] ?? 0;
    return room < sectionMin ? [] : [`\n\n${bounded(section.trimEnd(), room - 2)}`];
  });
  return bounded(`${head}${shown.join('')}`, max);
}

/**
 * Splits the summary into the part before the first section, and each section with its heading. Headings within fences
 * do not count.
 */
function split(text: string): readonly string[] {
  const parts: string[][] = [[]];
  let fence: string | null = null;
  for (const line of text.split('\n')) {
    fence = fenceAfter(fence, line);
    if (fence === null && line.startsWith('## ')) parts.push([]);
    parts.at(-1)?.push(line);
  }
  return parts.map((lines) => lines.join('\n'));
}

/** Gives each important section its share first, then the rest to them in their order. */
function allotLengths(sections: readonly string[], room: number): readonly number[] {
  const ranked = sections
    .map((section, index) => ({ index, wanted: section.trimEnd().length + 2, rank: rankSection(section) }))
    .sort((a, b) => a.rank - b.rank);
  const rooms = sections.map(() => 0);
  let left = room;
  const give = (index: number, most: number) => {
    const given = Math.max(0, Math.min(most, left));
    rooms[index] = (rooms[index] ?? 0) + given;
    left -= given;
  };
  for (const { index, wanted } of ranked.slice(0, firstCount)) give(index, Math.min(wanted, shareFirst));
  for (const { index, wanted } of ranked) give(index, wanted - (rooms[index] ?? 0));
  return rooms;
}

function rankSection(section: string): number {
  const rank = order.indexOf(section.slice(3, section.indexOf('\n') < 0 ? undefined : section.indexOf('\n')).trim());
  return rank < 0 ? order.length : rank;
}

/** Cuts a text to whole lines, closes an open fence, and adds the cut mark. */
function bounded(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = `\n${cutMark}`;
  let result = '';
  let fence: string | null = null;
  for (const line of text.split('\n')) {
    const after = fenceAfter(fence, line);
    const left = max - end.length - result.length - 1 - closing(after ?? fence).length;
    if (line.length > left) {
      // A line with a fence is never cut, nor one whose beginning would be a fence. A part of any other line may be
      // useful, except of a heading.
      const part = whole(line, left).trimEnd();
      if (after === fence && fenceAfter(fence, part) === fence && left >= sectionMin && !line.startsWith('#'))
        result += `\n${part}`;
      break;
    }
    result += `\n${line}`;
    fence = after;
  }
  const shown = `${result.slice(1)}${closing(fence)}`;
  return shown === '' ? whole(cutMark, max) : `${shown}${end}`;
}

function closing(fence: string | null): string {
  return fence === null ? '' : `\n${fence}`;
}
