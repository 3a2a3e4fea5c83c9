/** `POST /v1/batch`: JSON lines in, one JSON line out for each. The lines of one chunk share one transaction. */
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZodError } from 'zod';
import { failpoint } from '#launch/failpoints.ts';
import { batchDefaults, runOfLine } from '#protocol/batch.ts';
import type { RunRequest, RunRequestInput } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isLocked } from '#store/database-errors.ts';
import { errorBody, usageError, withoutQuote } from '../api-errors.ts';
import { authenticate } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';
import { type LineStream, startLines } from '../ndjson-stream.ts';

type Defaults = Partial<RunRequestInput>;
type Line = { readonly line: number; readonly request: RunRequest | ClipError };
type Admitted = ReturnType<RouteDeps['admission']['admit']>[number] | Error;

export const batchRoutes: Routes = (api, deps) => {
  // The body is read line by line below, however long it is.
  api.addContentTypeParser('application/x-ndjson', (_request, _payload, done) => done(null));

  api.post('/v1/batch', async (request, reply) => {
    if (!request.headers['content-type']?.startsWith('application/x-ndjson'))
      throw new ClipError('usage', 'A batch is JSON lines.', 'Say so: content-type: application/x-ndjson');
    const isPerson = authenticate(request, deps).kind !== 'agent';
    await new Batch(deps, startLines(reply, deps.version), isPerson).answerAll(request.raw);
  });
};

class Batch {
  readonly #deps: RouteDeps;
  readonly #out: LineStream;
  #defaults: Defaults = {};
  /** Number of the last line that was read. */
  #number = 0;

  /** Whether a person sent it. Only a person chooses the permission of a run. */
  readonly #isPerson: boolean;

  constructor(deps: RouteDeps, out: LineStream, isPerson: boolean) {
    this.#deps = deps;
    this.#out = out;
    this.#isPerson = isPerson;
  }

  /** Reads the lines of the body and answers each. Stops when the client has disconnected. */
  async answerAll(body: AsyncIterable<Buffer>): Promise<void> {
    for await (const texts of readLines(body)) {
      const lines = this.#parseLines(texts);
      if (lines instanceof ClipError) {
        // Without valid defaults every line would mean something else, so the whole batch is refused.
        await this.#out.send({ line: 0, ...errorBody(this.#deps.log, lines).body });
        return this.#out.end();
      }
      for (let from = 0; from < lines.length; from += limits.batchChunkRuns) {
        if (!(await this.#answer(lines.slice(from, from + limits.batchChunkRuns)))) return;
        // One chunk may hold thousands of lines. Other requests get their turn in between.
        await new Promise((resume) => setImmediate(resume));
      }
    }
    this.#out.end();
  }

  /** Parses the lines of one chunk of the body, without empty ones. Returns the error if the defaults are invalid. */
  #parseLines(texts: readonly (string | null)[]): Line[] | ClipError {
    const lines: Line[] = [];
    for (const text of texts) {
      // The first line may hold the client's folder and environment. It is not a line of the user's file.
      if (this.#number === 0 && text?.startsWith('{"defaults"')) {
        const header = parseHeader(text);
        if (header instanceof ClipError) return header;
        this.#defaults = header;
        continue;
      }
      this.#number += 1;
      if (text?.trim() !== '') lines.push({ line: this.#number, request: this.#parse(text) });
    }
    return lines;
  }

  #parse(text: string | null): RunRequest | ClipError {
    const request = parse(text, this.#defaults);
    if (request instanceof ClipError || request.permission === null || this.#isPerson) return request;
    return new ClipError(
      'refused',
      'Only a person chooses the permission of a run.',
      'Leave it out: the agent has that of its settings.',
    );
  }

  /** Admits the valid lines and answers each. Returns false if the client has disconnected. */
  async #answer(lines: readonly Line[]): Promise<boolean> {
    const good = lines.flatMap(({ line, request }) => (request instanceof ClipError ? [] : [{ line, request }]));
    const requests = good.map(({ request }) => request);
    await this.#deps.admission.lookAhead(requests);
    const results = await this.#admitPatiently(requests);
    const admitted = new Map(results.map((result, index) => [good[index]?.line, result]));
    for (const { line, request } of lines) {
      const result =
        request instanceof ClipError ? request : (admitted.get(line) ?? new Error('a line without an answer'));
      if (!(await this.#out.send({ line, ...this.#view(result) }))) return false;
    }
    return true;
  }

  #view(result: Admitted): object {
    const { log, show, supervisor } = this.#deps;
    if (result instanceof Error) return errorBody(log, result).body;
    return { run: show.show(supervisor.find(result.run.number) ?? result.run), existing: result.existing };
  }

  /** Retries while another program holds the database lock, because a client cannot repeat a batch. */
  async #admitPatiently(requests: readonly RunRequest[]): Promise<readonly Admitted[]> {
    const { now } = this.#deps;
    for (const until = now() + limits.lockedMsMax; ; await sleep(limits.lockedPauseMs)) {
      const results = this.#admit(requests);
      if (!results.some(isLocked) || now() > until) return results;
    }
  }

  /** Admits requests in one transaction. If it fails as a whole (e.g. disk full), every line gets the error. */
  #admit(requests: readonly RunRequest[]): readonly Admitted[] {
    try {
      const admitted = this.#deps.admission.admit(requests);
      failpoint('batch.middle');
      return admitted;
    } catch (error) {
      return requests.map(() => error as Error);
    }
  }
}

function parseHeader(text: string): Defaults | ClipError {
  try {
    return batchDefaults.parse(JSON.parse(text)).defaults as Defaults;
  } catch (error) {
    if (error instanceof ZodError) return usageError(error);
    return new ClipError(
      'usage',
      `The defaults cannot be read: ${withoutQuote(error as Error)}.`,
      'The first line may be {"defaults":{…}}.',
    );
  }
}

function parse(text: string | null, defaults: Defaults): RunRequest | ClipError {
  if (text === null)
    return new ClipError(
      'too_large',
      'The line is longer than 1 MiB.',
      'Put what is long into a file: "stdin": {"kind": "file", "path": …}.',
    );
  try {
    return runOfLine(JSON.parse(text), defaults);
  } catch (error) {
    if (error instanceof ClipError) return error;
    if (error instanceof ZodError) return usageError(error);
    return new ClipError(
      'usage',
      `The line cannot be read: ${withoutQuote(error as Error)}.`,
      'One JSON object a line, like {"command":["make","test"]}.',
    );
  }
}

/** Yields the lines that each chunk completes. A line that is too long becomes null, and nothing of it is kept. */
async function* readLines(body: AsyncIterable<Buffer>): AsyncGenerator<(string | null)[]> {
  const decoder = new StringDecoder('utf8');
  /** Pieces of the current line, which are joined once: there may be a million. */
  let begun: string[] = [];
  let length = 0;
  let tooLong = false;
  let most: number = limits.batchHeaderBytesMax;
  const complete = () => {
    const line = tooLong ? null : begun.join('');
    begun = [];
    length = 0;
    tooLong = false;
    most = limits.batchLineBytesMax;
    return line;
  };
  for await (const chunk of body) {
    const lines: (string | null)[] = [];
    for (const [index, piece] of decoder.write(chunk).split('\n').entries()) {
      if (index > 0) lines.push(complete());
      length += piece.length;
      tooLong ||= length > most;
      if (tooLong) begun = [];
      else if (piece !== '') begun.push(piece);
    }
    if (lines.length > 0) yield lines;
  }
  if (tooLong || length > 0) yield [complete()];
}
