/**
 * What the next run is given of a continuation summary: all of it when it is short, else what matters most.
 * The text comes from the store and may have been changed there by a person, so nothing is expected of its
 * form; whatever it is, the answer fits and leaves no fence open behind which the rest of a prompt would be lost.
 */
import { closed, fenceAfter } from './fences.ts';
import { cutMark, whole } from './quoted.ts';

/** A prompt has other things to say as well. */
const injectedLength = 4_000;
const notice = 'This is a part of the summary; `clip handoff "$CLIP_TASK"` shows all of it.';

/** The most important first; what is not named here comes last. */
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
/** What each of the first six gets before any gets more; of the rest a few lines are better than nothing. */
const shareFirst = 450;
const firstCount = 6;
const sectionMin = 80;

export function injected(summary: string, max: number = injectedLength): string {
  const text = closed(summary.replace(/\r\n?/g, '\n'));
  if (text.length <= max) return text;
  const [top = '', ...sections] = split(text);
  if (sections.length === 0) return bounded(text, max);
  const head = `${bounded(top.trimEnd(), Math.min(top.length, Math.floor(max / 5)))}\n\n${notice}`;
  const rooms = roomsOf(sections, max - head.length);
  const shown = sections.flatMap((section, index) => {
    const room = rooms[index] ?? 0;
    return room < sectionMin ? [] : [`\n\n${bounded(section.trimEnd(), room - 2)}`];
  });
  return bounded(`${head}${shown.join('')}`, max);
}

/** The part before the first section, then each section with its heading. Headings within fences are none. */
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

/** First each of the important ones gets its share, then what is left goes to them in their order. */
function roomsOf(sections: readonly string[], room: number): readonly number[] {
  const ranked = sections.map((section, index) => ({ index, wanted: section.trimEnd().length + 2, rank: rankOf(section) })).sort((a, b) => a.rank - b.rank);
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

function rankOf(section: string): number {
  const rank = order.indexOf(section.slice(3, section.indexOf('\n') < 0 ? undefined : section.indexOf('\n')).trim());
  return rank < 0 ? order.length : rank;
}

/** Whole lines as far as they fit; a fence that is open there is closed, and it is said that something is missing. */
function bounded(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = `\n${cutMark}`;
  let result = '';
  let fence: string | null = null;
  for (const line of text.split('\n')) {
    const after = fenceAfter(fence, line);
    const left = max - end.length - result.length - 1 - closing(after ?? fence).length;
    if (line.length > left) {
      // A line that has a fence in it is never cut, nor one whose beginning alone would be one; of any other a part may say enough. A part of a heading does not.
      const part = whole(line, left).trimEnd();
      if (after === fence && fenceAfter(fence, part) === fence && left >= sectionMin && !line.startsWith('#')) result += `\n${part}`;
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
