/** Whether the error of a run is clip's own sentence, or the words of the agent or program. */

import { words } from './words.ts';

/** Stop reasons that clip itself explains. */
const explainedByClip = new Set(
  words('process_lost not_started timeout silence output_limit cancelled paused budget_paused dependency_failed'),
);

/** Sentences of clip for ends that the agent did not explain. */
const sentences = [
  /^Exited with code \d+\.$/,
  /^Killed by SIG[A-Z0-9]+\.$/,
  /^It was not allowed to use .+, and found no other way\.$/s,
  /^It exited with \d+, which is its code for \w+\.$/,
  /^It exited with 0, but never said that it was done\.$/,
  /^It said that it failed, but not why\.$/,
  /^It failed, and did not say why\.$/,
];

/** Returns whether the error of an ended run is a sentence of clip, by its stop reason or its text. */
export function isClipsSentence(stopReason: string, error: string): boolean {
  return explainedByClip.has(stopReason) || sentences.some((sentence) => sentence.test(error));
}
