/** `POST /v1/batch`: JSON lines in, JSON lines out, one for each; the lines of one chunk share one transaction. */

import { StringDecoder } from 'node:string_decoder';
import { ZodError } from 'zod';
import { crashPoint } from '../../launch/crash-point.ts';
import { batchDefaults, runOfLine } from '../../protocol/batch.ts';
import type { RunRequest, RunRequestInput } from '../../protocol/requests.ts';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';
import { errorBody, usageError, withoutQuote } from './border.ts';
import { type LineStream, startLines } from './stream.ts';
import type { Routes } from './world.ts';

type Defaults = Partial<RunRequestInput>;
type Line = { readonly line: number; readonly request: RunRequest | ClipError };

export const batchRoutes: Routes = (api, world) => {
  // The body is read line by line below, however long it is.
  api.addContentTypeParser('application/x-ndjson', (_request, _payload, done) => done(null));

  api.post('/v1/batch', async (request, reply) => {
    if (!request.headers['content-type']?.startsWith('application/x-ndjson'))
      throw new ClipError('usage', 'A batch is JSON lines.', 'Say so: content-type: application/x-ndjson');
    const out = startLines(reply, world.version);
    let defaults: Defaults = {};
    let number = 0;
    for await (const texts of linesOf(request.raw)) {
      const lines: Line[] = [];
      for (const text of texts) {
        if (text?.trim() === '') {
          number += 1;
          continue;
        }
        // The sender's own folder and environment come first, once: not a line of the person's file.
        if (number === 0 && text?.startsWith('{"defaults"')) {
          const header = headerOf(text);
          if (header instanceof ClipError) {
            // Without them no line would mean what its sender meant: all of it is refused, once.
            await out.send({ line: 0, ...errorBody(world.log, header).body });
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
        // What comes in one piece holds thousands of lines: others have their turn in between.
        await new Promise((resume) => setImmediate(resume));
      }
    }
    out.end();
  });

  /** Admits what can be admitted; false when the client has gone. */
  async function answer(out: LineStream, lines: readonly Line[]): Promise<boolean> {
    const good = lines.flatMap(({ line, request }) => (request instanceof ClipError ? [] : [{ line, request }]));
    const admitted = new Map(admit(good.map(({ request }) => request)).map((result, index) => [good[index]?.line, result]));
    for (const { line, request } of lines) {
      const result = request instanceof ClipError ? request : (admitted.get(line) ?? new Error('a line without an answer'));
      const body =
        result instanceof Error
          ? errorBody(world.log, result).body
          : { run: world.show.show(world.supervisor.find(result.run.number) ?? result.run), existing: result.existing };
      if (!(await out.send({ line, ...body }))) return false;
    }
    return true;
  }

  /** A failure of the whole transaction (a full disk, say) is every line's error. */
  function admit(requests: readonly RunRequest[]) {
    try {
      const admitted = world.admission.admit(requests);
      crashPoint('batch.middle');
      return admitted;
    } catch (error) {
      return requests.map(() => error as Error);
    }
  }
};

function headerOf(text: string): Defaults | ClipError {
  try {
    return batchDefaults.parse(JSON.parse(text)).defaults as Defaults;
  } catch (error) {
    if (error instanceof ZodError) return usageError(error);
    return new ClipError('usage', `The defaults cannot be read: ${withoutQuote(error as Error)}.`, 'The first line may be {"defaults":{…}}.');
  }
}

function parse(text: string | null, defaults: Defaults): RunRequest | ClipError {
  if (text === null) return new ClipError('too_large', 'The line is longer than 1 MiB.', 'Put what is long into a file: "stdin": {"kind": "file", "path": …}.');
  try {
    return runOfLine(JSON.parse(text), defaults);
  } catch (error) {
    if (error instanceof ClipError) return error;
    if (error instanceof ZodError) return usageError(error);
    return new ClipError('usage', `The line cannot be read: ${withoutQuote(error as Error)}.`, 'One JSON object a line, like {"command":["make","test"]}.');
  }
}

/** The lines that each chunk of the body completes; null for a line that is too long, of which nothing is kept. */
async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<(string | null)[]> {
  const decoder = new StringDecoder('utf8');
  /** Of the line that has begun: joined once, for it may come in a million pieces. */
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
