/** Ids of runs, which are also the names of their folders. */

/**
 * The 32 digits of an id, five random bits each. `i`, `l`, `o` and `u` are left out because they are easily misread.
 */
export const runIdDigits = 'abcdefghjkmnpqrstvwxyz0123456789';
export const runIdDigitCount = 15;

const shape = new RegExp(`^r[${runIdDigits}]{${runIdDigitCount}}$`);

/**
 * Returns whether a name is that of a run's folder. Any other entry of the folder, such as a person's copy (`r….bak`),
 * is not clip's. It is neither imported as a run nor removed.
 */
export function isRunId(name: string): boolean {
  return shape.test(name);
}
