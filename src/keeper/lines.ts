import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';

/** `bytesMax`: whoever sends a longer line is not a daemon of ours, and is dropped with what it sent. */
export function readLines(socket: Socket, { bytesMax, onLine }: { readonly bytesMax: () => number; readonly onLine: (line: string) => void }): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      // A connection that was shut out meanwhile has no say any more, not even with what it already sent.
      if (socket.destroyed || socket.writableEnded) return;
      onLine(line);
    }
    if (rest.length > bytesMax()) socket.destroy();
  });
}
