/**
 * Removes secrets from text before it is stored, shown or given to another run: known values, and everything that looks
 * like a secret. Every search is linear, because the text may be crafted to be slow.
 */
import { withoutAssignments } from './secret-assignments.ts';
import { withoutPrivateKeys, withoutShapes } from './secret-patterns.ts';

export const redacted = '[redacted]';

/** Shorter values would remove ordinary words. */
const lengthMin = 6;
/**
 * The length from which the beginning of a known value is removed at the end of a text, which may have been cut there.
 */
const beginningMin = 8;
/** The length up to which such a beginning is searched. */
const beginningMax = 4_096;

/** Returns the text without secrets. `secrets`: known values, whatever they look like. */
export function redact(text: string, secrets: readonly string[]): string {
  // A private key may be the value of an assignment, of which only the first word would be removed.
  const withoutKeys = withoutPrivateKeys(withoutValues(text, secrets), redacted);
  return withoutShapes(withoutAssignments(withoutKeys, redacted), redacted);
}

type Range = { readonly from: number; readonly to: number };

/** Removes known values. All are searched in the original text, so that no part is left of two values that overlap. */
function withoutValues(text: string, secrets: readonly string[]): string {
  const values = [...new Set(secrets.filter(({ length }) => length >= lengthMin).flatMap(spellings))];
  const found = values
    .flatMap((value) => [...findRanges(text, value), ...beginningAtEnd(text, value)])
    .sort((a, b) => a.from - b.from);
  let result = '';
  let done = 0;
  for (const { from, to } of found) {
    if (from >= done) result += text.slice(done, from) + redacted;
    done = Math.max(done, to);
  }
  return result + text.slice(done);
}

/** Returns the value as it is, as a part of JSON, and as a part of a URL. */
function spellings(value: string): readonly string[] {
  return [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed())];
}

function findRanges(text: string, value: string): readonly Range[] {
  const places: Range[] = [];
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length))
    places.push({ from: at, to: at + value.length });
  return places;
}

/** Finds the beginning of a value at the end of the text, which may have been cut in the middle of a secret. */
function beginningAtEnd(text: string, value: string): readonly Range[] {
  for (let length = Math.min(value.length - 1, text.length, beginningMax); length >= beginningMin; length--) {
    if (text.endsWith(value.slice(0, length))) return [{ from: text.length - length, to: text.length }];
  }
  return [];
}
