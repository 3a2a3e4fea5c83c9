/** `GET /v1/events`: the history as JSON lines, with a sequence number from which to resume. */

import { buildEventView } from '#protocol/build-views.ts';
import { eventsQuery } from '#protocol/requests.ts';
import { read } from '../api-errors.ts';
import type { Routes } from '../context.ts';
import { startLines } from '../ndjson-stream.ts';

const pageEvents = 500;

export const eventRoutes: Routes = (api, deps) => {
  api.get('/v1/events', async (request, reply) => {
    const { since, follow } = read(eventsQuery, request.query);
    const out = startLines(reply, deps.version);
    let cursor = since;
    let more = false;
    let wake: (() => void) | null = null;
    const unwatch = deps.changeFeed.watch(() => {
      more = true;
      wake?.();
    });
    out.onClose(() => {
      unwatch();
      wake?.();
    });
    // Pages are read from the store at the client's pace, so nothing is buffered for a slow client.
    while (!out.closed()) {
      more = false;
      const page = deps.store.events.since(cursor, pageEvents);
      for (const event of page) {
        if (!(await out.send(buildEventView(event)))) return;
        cursor = event.seq;
      }
      if (page.length === pageEvents || more) continue;
      if (!follow) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    out.end();
  });
};
