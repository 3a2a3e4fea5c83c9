/** Why an agent refused, from the body of its answer, and what to do about it. */
import { limits } from '../run/limits.ts';

/** Its own words, in one line; empty when there are none. */
export async function reasonIn(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= limits.httpReasonBytesMax) break;
    }
  } catch {
    // What came before it hung up still says why.
  }
  const text = Buffer.concat(chunks).subarray(0, limits.httpReasonBytesMax).toString();
  const words = messageIn(text) ?? (/^\s*</.test(text) ? '' : text);
  return words.replace(/\s+/g, ' ').trim().slice(0, 300);
}

function messageIn(text: string): string | null {
  try {
    const { error, message } = JSON.parse(text) as { error?: unknown; message?: unknown };
    const inner = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
    return [inner, message].find((each) => typeof each === 'string') ?? null;
  } catch {
    return null;
  }
}

export function adviceFor(status: number): string {
  switch (status) {
    case 401:
    case 403:
      return ". Check the agent's --header and the variable it is taken from.";
    case 404:
    case 405:
      return ". Check the agent's URL and method.";
    default:
      return '.';
  }
}
