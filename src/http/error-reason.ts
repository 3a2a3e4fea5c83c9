/** Extracts the reason of a refusal from the response body, with the remedy. */

import { cutText } from '#run/cut-text.ts';
import { httpLimits } from './limits.ts';

/** Returns the agent's error text on one line. Empty when there is none. */
export async function reasonIn(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= httpLimits.reasonBytesMax) break;
    }
  } catch {
    // The part before the connection broke may still contain the reason.
  }
  const text = Buffer.concat(chunks).subarray(0, httpLimits.reasonBytesMax).toString();
  const words = messageIn(text) ?? (/^\s*</.test(text) ? '' : text);
  return cutText(words.replace(/\s+/g, ' ').trim(), 300);
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

/** Returns the end of the sentence about a status, with a remedy where there is one. */
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
