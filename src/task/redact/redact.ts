/**
 * Takes secrets out of text before it is stored, shown or given to another run: the values that are known,
 * and whatever has the shape of a secret. Every search is linear, for the text may be written to be slow.
 */
import { withoutAssignments } from './assignments.ts';
import { withoutPrivateKeys, withoutShapes } from './secret-shapes.ts';

export const redacted = '[redacted]';

/** Shorter values would take out ordinary words. */
const lengthMin = 6;
/** A beginning of a known value, at the end of a text that was cut there, is taken out from so many characters on … */
const beginningMin = 8;
/** … and looked for up to so many. */
const beginningMax = 4_096;

/** `secrets`: values that are known, whatever they look like. */
export function redact(text: string, secrets: readonly string[]): string {
  // A private key may be the value of an assignment, of which only the first word would be taken out.
  const withoutKeys = withoutPrivateKeys(withoutValues(text, secrets), redacted);
  return withoutShapes(withoutAssignments(withoutKeys, redacted), redacted);
}

type Range = { readonly from: number; readonly to: number };

/** All are looked for in the original text, so that of two values that overlap no half is left. */
function withoutValues(text: string, secrets: readonly string[]): string {
  const values = [...new Set(secrets.filter(({ length }) => length >= lengthMin).flatMap(spellings))];
  const found = values.flatMap((value) => [...placesOf(text, value), ...beginningAtEnd(text, value)]).sort((a, b) => a.from - b.from);
  let result = '';
  let done = 0;
  for (const { from, to } of found) {
    if (from >= done) result += text.slice(done, from) + redacted;
    done = Math.max(done, to);
  }
  return result + text.slice(done);
}

/** As it is, as a part of JSON, and as a part of a URL. */
function spellings(value: string): readonly string[] {
  return [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed())];
}

function placesOf(text: string, value: string): readonly Range[] {
  const places: Range[] = [];
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length)) places.push({ from: at, to: at + value.length });
  return places;
}

/** What was cut in the middle of a secret ends with a part of it. */
function beginningAtEnd(text: string, value: string): readonly Range[] {
  for (let length = Math.min(value.length - 1, text.length, beginningMax); length >= beginningMin; length--) {
    if (text.endsWith(value.slice(0, length))) return [{ from: text.length - length, to: text.length }];
  }
  return [];
}
