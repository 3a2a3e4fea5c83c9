/** The details of an event that a CLI-specific file adds to its agent events. */

import { cutText } from '#run/cut-text.ts';
import { isObject, type Json, textAt } from '../json.ts';
import type { TranscriptChange } from './item.ts';

/** The details of one tool in this event. An absent field is not reported. */
export type ToolDetails = {
  readonly target?: string | null;
  readonly output?: string | null;
  readonly durationMs?: number | null;
  readonly changes?: readonly TranscriptChange[];
};

export type Details = {
  /** The time according to the stream. */
  readonly at: number | null;
  readonly tools: ReadonlyMap<string, ToolDetails>;
  readonly thoughts: readonly string[];
  readonly notes: readonly { readonly text: string; readonly warning: boolean }[];
};

export type DescribeEvent = (event: Json) => Partial<Details>;

export const noDetails: Details = { at: null, tools: new Map(), thoughts: [], notes: [] };

/** Input fields that describe a tool call best, in order of preference. */
const telling = [
  'file_path',
  'filePath',
  'absolute_path',
  'notebook_path',
  'path',
  'dir_path',
  'pattern',
  'query',
  'url',
  'description',
  'title',
  'name',
];
const targetLength = 200;

/** Returns what a call is about: its most descriptive field, or the first that is text. */
export function targetIn(input: unknown): string | null {
  if (!isObject(input)) return null;
  const named = telling.map((field) => textAt(input, field)).find((text) => text !== null && text !== '');
  const any = named ?? Object.values(input).find((value) => typeof value === 'string' && value !== '');
  return typeof any === 'string' ? cutText(any, targetLength) : null;
}

/** Parses `2026-11-22T12:18:45.860Z` or milliseconds. Returns null for anything else. */
export function timeIn(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value > 0 ? value : null;
  const [, date, hours, minutes, seconds] =
    /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d(?:\.\d{1,9})?)Z$/.exec(typeof value === 'string' ? value : '') ?? [];
  if (date === undefined) return null;
  return (
    daysBefore(date) * 86_400_000 +
    (Number(hours) * 60 + Number(minutes)) * 60_000 +
    Math.round(Number(seconds) * 1_000)
  );
}

/** Returns the days since the epoch, without a clock. Adapters have none. */
function daysBefore(date: string): number {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  const y = month > 2 ? year : year - 1;
  const inYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + inYear - 719_468;
}
