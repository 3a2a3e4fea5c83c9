import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';

/** Reads lines from a socket. A peer that sends a line longer than `bytesMax` is not a daemon, and is disconnected. */
export function readLines(
  socket: Socket,
  { bytesMax, onLine }: { readonly bytesMax: () => number; readonly onLine: (line: string) => void },
): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      // Input of a connection that was closed in the meantime is ignored, even if it arrived earlier.
      if (socket.destroyed || socket.writableEnded) return;
      onLine(line);
    }
    if (rest.length > bytesMax()) socket.destroy();
  });
}
