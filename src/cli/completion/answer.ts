/** Answers a shell: reads the table beside the programs, asks the daemon if needed, and ends. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exchange } from '../client/exchange.ts';
import { writeOut } from '../fast-path.ts';
import { askedAt, type Candidate, candidatesIn, formatCandidates, type Node, offerFor } from './complete.ts';

/** The time limit of the request. A shell should not wait longer. */
const askMs = 1_000;

/** Prints the candidates. A shell is not told of errors. `socket`: null when there is none that may be asked. */
export async function complete(words: readonly string[], socket: string | null): Promise<void> {
  try {
    const table = readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'completions.json'), 'utf8');
    const offer = offerFor(JSON.parse(table) as Node, words);
    if (offer.kind === 'files') return writeOut(Buffer.from(':files\n'));
    const candidates = offer.kind === 'words' ? offer.words : await ask(offer.what, socket);
    writeOut(Buffer.from(formatCandidates(candidates, offer.prefix, words.at(-1) ?? '')));
  } catch {
    // Nothing is offered.
  }
}

async function ask(what: keyof typeof askedAt, socket: string | null): Promise<readonly Candidate[]> {
  const path = askedAt[what];
  if (socket === null || path === undefined) return [];
  const reply = await exchange(socket, { method: 'GET', path, body: null, headers: {}, timeoutMs: askMs });
  return reply.status === 200 ? candidatesIn(what, JSON.parse(reply.body.toString('utf8'))) : [];
}
