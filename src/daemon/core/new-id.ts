import { randomBytes } from 'node:crypto';
import { runIdDigits } from '#run/run-id.ts';

/** Returns a new id: a letter, then `digitCount` random digits of 5 bits each. The letter keeps an id from being taken for a number. */
export function newId(letter: 'a' | 'r' | 'w', digitCount: number): string {
  return `${letter}${[...randomBytes(digitCount)].map((byte) => runIdDigits[byte & 31]).join('')}`;
}
