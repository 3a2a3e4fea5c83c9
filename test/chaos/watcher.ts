/** A client that follows all events. When it is killed, its successor continues after the last event received. */
import type { EventView } from '#protocol/answers.ts';
import { until } from '../support/until.ts';
import type { Clients } from './clients.ts';
import type { RoundRecord } from './record.ts';

export function createWatcher({ clients, record }: { clients: Clients; record: RoundRecord }) {
  let over = false;

  async function watch(): Promise<void> {
    while (!over && !clients.closed()) {
      let rest: Buffer = Buffer.alloc(0);
      const since = record.events.at(-1)?.seq ?? 0;
      await clients.run(['events', '-f', '--since', String(since)], {
        onOut(chunk) {
          const text = Buffer.concat([rest, chunk]);
          const whole = text.lastIndexOf('\n') + 1;
          // A line that was cut is requested again.
          rest = text.subarray(whole);
          for (const line of text.toString('utf8', 0, whole).split('\n'))
            if (line !== '') record.events.push(JSON.parse(line) as EventView);
        },
      });
    }
  }

  const watching = watch();
  return {
    /** Waits until the follower has received this event. Returns false after the time limit. */
    sees: (seq: number): Promise<boolean> =>
      until(`event ${seq} is received`, () => (record.events.at(-1)?.seq ?? 0) >= seq, 15_000).then(
        () => true,
        () => false,
      ),
    stop(): void {
      over = true;
    },
    watching,
  };
}
