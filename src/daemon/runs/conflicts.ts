/** Refusals of names and keys that another run has. */
import { ClipError } from '#run/errors.ts';

export function nameTaken(name: string, by: string): ClipError {
  return new ClipError(
    'name_taken',
    `The name ${name} is taken by ${by}.`,
    'Choose another name, or wait until that run has ended.',
  );
}

export function keyConflict(key: string, by: string): ClipError {
  return new ClipError('key_conflict', `The key ${key} was used by ${by}.`, 'Use a new key for a new command.');
}
