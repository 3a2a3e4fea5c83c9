/** `POST /v1/batch`: JSON lines in, one JSON line out for each. The lines of one chunk share one transaction. */

import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZodError } from 'zod';
import { failpoint } from '#launch/failpoints.ts';
import { batchDefaults, runOfLine } from '#protocol/batch.ts';
import type { RunRequest, RunRequestInput } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isLocked } from '#store/errors.ts';
import type { Routes } from '../context.ts';
import { errorBody, usageError, withoutQuote } from '../errors.ts';
import { type LineStream, startLines } from '../ndjson-stream.ts';

type Defaults = Partial<RunRequestInput>;
type Line = { readonly line: number; readonly request: RunRequest | ClipError };

export const batchRoutes: Routes = (api, deps) => {
  // The body is read line by line below, however long it is.
  api.addContentTypeParser('application/x-ndjson', (_request, _payload, done) => done(null));

  api.post('/v1/batch', async (request, reply) => {
    if (!request.headers['content-type']?.startsWith('application/x-ndjson'))
      throw new ClipError('usage', 'A batch is JSON lines.', 'Say so: content-type: application/x-ndjson');
    const out = startLines(reply, deps.version);
    let defaults: Defaults = {};
    let number = 0;
    for await (const texts of readLines(request.raw)) {
      const lines: Line[] = [];
      for (const text of texts) {
        if (text?.trim() === '') {
          number += 1;
          continue;
        }
        // The first line may hold the client's folder and environment. It is not a line of the user's file.
        if (number === 0 && text?.startsWith('{"defaults"')) {
          const header = parseHeader(text);
          if (header instanceof ClipError) {
            // Without valid defaults every line would mean something else, so the whole batch is refused.
            await out.send({ line: 0, ...errorBody(deps.log, header).body });
            return out.end();
          }
          defaults = header;
          continue;
        }
        number += 1;
        lines.push({ line: number, request: parse(text, defaults) });
      }
      for (let from = 0; from < lines.length; from += limits.batchChunkRuns) {
        if (!(await answer(out, lines.slice(from, from + limits.batchChunkRuns)))) return;
        // One chunk may hold thousands of lines. Other requests get their turn in between.
        await new Promise((resume) => setImmediate(resume));
      }
    }
    out.end();
  });

  /** Admits the valid lines and answers each. Returns false if the client has disconnected. */
  async function answer(out: LineStream, lines: readonly Line[]): Promise<boolean> {
    const good = lines.flatMap(({ line, request }) => (request instanceof ClipError ? [] : [{ line, request }]));
    const requests = good.map(({ request }) => request);
    await deps.admission.lookAhead(requests);
    const results = await admitPatiently(requests);
    const admitted = new Map(results.map((result, index) => [good[index]?.line, result]));
    for (const { line, request } of lines) {
      const result =
        request instanceof ClipError ? request : (admitted.get(line) ?? new Error('a line without an answer'));
      const body =
        result instanceof Error
          ? errorBody(deps.log, result).body
          : { run: deps.show.show(deps.supervisor.find(result.run.number) ?? result.run), existing: result.existing };
      if (!(await out.send({ line, ...body }))) return false;
    }
    return true;
  }

  /** Retries while another program holds the database lock, because a client cannot repeat a batch. */
  async function admitPatiently(requests: readonly RunRequest[]): Promise<ReturnType<typeof admit>> {
    for (const until = deps.now() + limits.lockedMsMax; ; await sleep(limits.lockedPauseMs)) {
      const results = admit(requests);
      if (!results.some(isLocked) || deps.now() > until) return results;
    }
  }

  /** Admits requests in one transaction. If it fails as a whole (e.g. disk full), every line gets the error. */
  function admit(requests: readonly RunRequest[]) {
    try {
      const admitted = deps.admission.admit(requests);
      failpoint('batch.middle');
      return admitted;
    } catch (error) {
      return requests.map(() => error as Error);
    }
  }
};

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
