import { describe, expect, it } from 'vitest';
import { linesIn } from '#cli/client/json-lines.ts';

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function linesOf(text: string, size = 1_000): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesIn(pieces(text, size))) lines.push(line);
  return lines;
}

describe('Lines of JSON', () => {
  it('are split at \\n alone, not at Unicode separators or form feeds', async () => {
    const line = JSON.stringify({ text: 'a\u2028b\u2029c\u0085d\r\f\v' });
    expect(await linesOf(`${line}\n{}\n`)).toEqual([line, '{}']);
  });

  it('are the same however the stream is cut, even within characters', async () => {
    const text = 'grüße\n\n日本語 🎉\u2028x\nend';
    for (let size = 1; size < 12; size += 1)
      expect(await linesOf(text, size)).toEqual(['grüße', '', '日本語 🎉\u2028x', 'end']);
  });

  it('are empty for an empty stream', async () => {
    expect(await linesOf('')).toEqual([]);
  });
});
