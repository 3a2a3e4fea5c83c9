import { groupParams, groupRequest, queueRequest } from '#protocol/requests.ts';
import { read } from '../api-errors.ts';
import type { Routes } from '../context.ts';

export const groupRoutes: Routes = (api, deps) => {
  const { store, supervisor, scheduler } = deps;

  api.get('/v1/groups', () => ({ schema: 1, groups: store.groups.list() }));

  api.put('/v1/groups/:group', (request) => {
    const { group: name } = read(groupParams, request.params);
    const change = read(groupRequest, request.body);
    const before = store.groups.get(name) ?? { name, limit: null, paused: false };
    const group = {
      name,
      limit: change.limit === undefined ? before.limit : change.limit,
      paused: change.paused ?? before.paused,
    };
    supervisor.transaction((tx) => {
      store.groups.put(tx, group);
      tx.record({ task: null, run: null, type: 'group-changed', data: group });
    });
    scheduler.rulesChanged();
    return { schema: 1, group };
  });

  const queue = () => {
    const { max, taken, held, queued } = scheduler.slots();
    return { schema: 1, held, queued, slots: max, taken };
  };
  api.get('/v1/queue', queue);

  api.put('/v1/queue', (request) => {
    const { held } = read(queueRequest, request.body);
    supervisor.transaction((tx) => {
      store.writeMeta(tx, 'queue_held', held ? '1' : '0');
      tx.record({ task: null, run: null, type: held ? 'queue-held' : 'queue-released', data: {} });
    });
    scheduler.rulesChanged();
    return queue();
  });
};
