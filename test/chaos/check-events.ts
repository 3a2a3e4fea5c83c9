/** Checks of the sequence of events: it has no gaps, and the follower received it as it is stored. */
import type { Recorded } from '../support/stored-rows.ts';
import type { RoundRecord } from './record.ts';

export function wrongEvents({ events, buried }: Recorded, record: RoundRecord): string[] {
  const stored = new Map(events.map(({ seq, type }) => [seq, type]));
  const last = events.at(-1)?.seq ?? 0;
  const gone = new Set([
    ...buried.flatMap(({ number }) => record.removed.get(number)?.seqs ?? []),
    ...toldOfRemoved(buried, record),
  ]);
  const wrong: string[] = [];
  for (let seq = 1; seq <= last; seq += 1) {
    if (!stored.has(seq) && !gone.has(seq))
      wrong.push(`event ${seq} is missing, and belonged to no run that was removed`);
    if (stored.has(seq) && gone.has(seq)) wrong.push(`event ${seq} of a removed run is still there`);
  }
  return [...wrong, ...wrongTelling(stored, gone, record)];
}

/** Reports events that the follower received twice, out of order or not at all. */
function wrongTelling(
  stored: ReadonlyMap<number, string>,
  gone: ReadonlySet<number>,
  { events: told }: RoundRecord,
): string[] {
  const wrong = told.flatMap(({ seq }, index) =>
    seq > (told[index - 1]?.seq ?? 0) ? [] : [`event ${seq} was told after ${told[index - 1]?.seq}`],
  );
  const heard = new Map(told.map(({ seq, type }) => [seq, type]));
  const last = told.at(-1)?.seq ?? 0;
  for (const [seq, type] of stored) {
    if (seq > last) break;
    if (heard.get(seq) !== type) wrong.push(`event ${seq} (${type}) was told as ${heard.get(seq) ?? 'nothing'}`);
  }
  for (const seq of heard.keys())
    if (!stored.has(seq) && !gone.has(seq)) wrong.push(`event ${seq} was told, and is not there`);
  return wrong;
}

/** Returns the events of removed runs that were created between reading their event numbers and the removal. */
function toldOfRemoved(buried: Recorded['buried'], { events, removed }: RoundRecord): number[] {
  const numbers = new Set(buried.map(({ number }) => number).filter((number) => removed.has(number)));
  return events.flatMap(({ seq, run, type }) => (run !== null && numbers.has(run) && type !== 'removed' ? [seq] : []));
}
