/** `GET /v1/events`: what happened, as JSON lines, with a sequence number to go on from. */

import { eventsQuery } from '../../protocol/requests.ts';
import { eventViewOf } from '../../protocol/views.ts';
import { read } from './border.ts';
import { startLines } from './stream.ts';
import type { Routes } from './world.ts';

const pageEvents = 500;

export const eventRoutes: Routes = (api, world) => {
  api.get('/v1/events', async (request, reply) => {
    const { since, follow } = read(eventsQuery, request.query);
    const out = startLines(reply, world.version);
    let cursor = since;
    let more = false;
    let wake: (() => void) | null = null;
    const unwatch = world.watchers.watch(() => {
      more = true;
      wake?.();
    });
    out.onClose(() => {
      unwatch();
      wake?.();
    });
    // Read from the store, page by page, at the client's own pace: nothing is kept for a slow one.
    while (!out.closed()) {
      more = false;
      const page = world.store.events.since(cursor, pageEvents);
      for (const event of page) {
        if (!(await out.send(eventViewOf(event)))) return;
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
