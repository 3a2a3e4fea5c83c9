import { groupParams, groupRequest, queueRequest } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { read } from '../api-errors.ts';
import { requirePerson } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';

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

  api.delete('/v1/groups/:group', (request) => {
    const { group: name } = read(groupParams, request.params);
    const group = store.groups.get(name);
    if (group === null) throw new ClipError('not_found', `There is no group ${name}.`, 'clip group list shows them.');
    supervisor.transaction((tx) => {
      store.groups.remove(tx, name);
      tx.record({ task: null, run: null, type: 'group-changed', data: { name, limit: null, paused: false } });
    });
    scheduler.rulesChanged();
    return { schema: 1, group };
  });

  const queue = () => ({ schema: 1, ...scheduler.slots() });
  api.get('/v1/queue', queue);

  api.put('/v1/queue', (request) => {
    const { held, stopAgents } = read(queueRequest, request.body);
    if (stopAgents) requirePerson(request, deps, 'stops all agents');
    supervisor.transaction((tx) => {
      store.writeMeta(tx, 'queue_held', held ? '1' : '0');
      tx.record({ task: null, run: null, type: held ? 'queue-held' : 'queue-released', data: {} });
    });
    scheduler.rulesChanged();
    if (!held) deps.reconsider();
    const stopped = held && stopAgents ? stopLiveAgents(deps) : [];
    return { ...queue(), stopped };
  });
};

/** Stops the live runs of agents as a pause does, so that their tasks continue later. Returns the numbers of the runs. */
function stopLiveAgents({ supervisor }: RouteDeps): number[] {
  const live = supervisor.alive().filter(({ spec }) => spec.agent !== null);
  const event = { type: 'stop-requested', order: 'paused', graceMs: null, now: false } as const;
  supervisor.submitAll(live.map(({ number }) => ({ number, event })));
  return live.map(({ number }) => number);
}
