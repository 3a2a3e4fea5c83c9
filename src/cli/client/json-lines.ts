/**
 * Splits a stream into lines at `\n` only. Node's readline also splits at U+2028 and U+2029, which JSON texts may
 * contain.
 */
import { StringDecoder } from 'node:string_decoder';

/** Yields each line without its end. The text after the last `\n` is a line as well, unless it is empty. */
export async function* linesIn(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  /** Pieces of the unfinished line. They are joined once, because a long line arrives in many pieces. */
  let begun: string[] = [];
  for await (const chunk of stream) {
    const [first = '', ...rest] = decoder.write(chunk).split('\n');
    begun.push(first);
    for (const piece of rest) {
      yield begun.join('');
      begun = [piece];
    }
  }
  const last = begun.join('') + decoder.end();
  if (last !== '') yield last;
}
