import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';

/** No request is longer than this; whoever sends more is not a daemon of ours. */
const lineBytesMax = 4 * 2 ** 20;

export function readLines(socket: Socket, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      // A connection that was shut out meanwhile has no say any more, not even with what it already sent.
      if (socket.destroyed) return;
      onLine(line);
    }
    if (rest.length > lineBytesMax) socket.destroy();
  });
}
