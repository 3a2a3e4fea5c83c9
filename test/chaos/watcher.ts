/** Somebody who follows the events from the first to the last: killed, he goes on where he was. */
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
          // Cut in the middle, a line is asked for again.
          rest = text.subarray(whole);
          for (const line of text.toString('utf8', 0, whole).split('\n'))
            if (line !== '') record.events.push(JSON.parse(line) as EventView);
        },
      });
    }
  }

  const watching = watch();
  return {
    /** Until it has been told of this event; false when it is not within the time. */
    sees: (seq: number): Promise<boolean> =>
      until(`event ${seq} is told`, () => (record.events.at(-1)?.seq ?? 0) >= seq, 15_000).then(
        () => true,
        () => false,
      ),
    stop(): void {
      over = true;
    },
    watching,
  };
}
