/** Answers a shell: reads the table beside the programs, asks the daemon if needed, and ends. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askFast, writeOut } from '../fast-path.ts';
import { askedAt, type Candidate, candidatesIn, formatCandidates, type Node, offerFor } from './complete.ts';

/** The time limit of the request. A shell should not wait longer. */
const askMs = 1_000;

/** Prints the candidates. `socket`: null when there is none that may be asked. */
export function complete(words: readonly string[], socket: string | null, done: () => void): void {
  const show = (candidates: readonly Candidate[], prefix: string) => {
    writeOut(Buffer.from(formatCandidates(candidates, prefix, words.at(-1) ?? '')));
    done();
  };
  try {
    const table = readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'completions.json'), 'utf8');
    const offer = offerFor(JSON.parse(table) as Node, words);
    if (offer.kind === 'files') {
      writeOut(Buffer.from(':files\n'));
      return done();
    }
    if (offer.kind === 'words') return show(offer.words, offer.prefix);
    const path = askedAt[offer.what];
    if (socket === null || path === undefined) return done();
    askFast({ socketPath: socket, path, timeoutMs: askMs }, (answer) => {
      try {
        show(answer === null ? [] : candidatesIn(offer.what, JSON.parse(answer.body.toString('utf8'))), offer.prefix);
      } catch {
        done();
      }
    });
  } catch {
    done();
  }
}
