import { viewOfDocument, viewOfHead, viewOfTask } from '../../protocol/task-views.ts';
import { handoffQuery, type LedgerAnswer, ledgerQuery, taskParams } from '../../protocol/tasks.ts';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';
import { summaryDiff } from '../../task/handoff/diff.ts';
import { isClosed, summaryKey } from '../../task/task.ts';
import { offsetMinutesAt } from '../day.ts';
import { describe } from '../log.ts';
import { read } from './border.ts';
import type { Routes } from './world.ts';

export const ledgerRoutes: Routes = (api, world) => {
  const { store, tasks, show, supervisor } = world;
  const nameOf = (agentId: string) => store.agents.nameOf(agentId);

  /** The account of runs, newest first; what was never judged is judged in the background, and stands there the next time. */
  api.get('/v1/ledger', (request): LedgerAnswer => {
    const { task: number, agent, since, limit } = read(ledgerQuery, request.query);
    const task = number === undefined ? null : tasks.get(number);
    const agentId = agent === undefined ? undefined : world.agents.idOf(agent);
    const { runs, hidden } = store.runs.ledger({ task: number, agentId, since }, limit);
    const current = runs.map((run) => supervisor.find(run.number) ?? run);
    world.backfill.want(current);
    return {
      schema: 1,
      task: task === null ? null : viewOfTask(task, { nameOf, paused: isClosed(task.status) ? null : world.spending.mayStart(null, task.number) }),
      runs: current.map(show.show),
      hidden,
      totals: totalsOf({ task: number, agentId, since }),
    };
  });

  function totalsOf(filter: { task?: number | undefined; agentId?: string | undefined; since?: number | undefined }): LedgerAnswer['totals'] {
    const { total, byTask, byAgent, byDay } = store.ledger(filter, offsetMinutesAt(world.now()));
    return {
      ...total,
      byTask: byTask.map(({ task, sum }) => ({ task, ...sum })),
      byAgent: byAgent.map(({ agentId, sum }) => ({ agent: agentId === null ? null : (nameOf(agentId) ?? agentId), ...sum })),
      byDay: byDay.map(({ day, sum }) => ({ day, ...sum })),
    };
  }

  /** What the next run is told of the earlier ones; with `history`, its revisions; with `diff`, what the last one changed. */
  api.get('/v1/tasks/:task/handoff', async (request) => {
    const { number } = tasks.get(read(taskParams, request.params).task);
    const { history } = read(handoffQuery, request.query);
    // One that cannot be written now is no reason to show none.
    await world.knowledge
      .freshen(number)
      .catch((error) => world.log('warn', 'the continuation summary could not be written', { task: number, error: describe(error) }));
    const document = store.documents.get(number, summaryKey);
    if (document === null)
      throw new ClipError('not_found', `T${number} has no continuation summary yet.`, 'It is written when the first run of the task has ended.');
    const before = document.revision === 1 ? null : store.documents.get(number, summaryKey, document.revision - 1);
    return {
      schema: 1,
      task: number,
      document: viewOfDocument(document),
      diff: summaryDiff(before?.body ?? null, document.body),
      ...(history ? { history: store.documents.history(number, summaryKey, limits.activityShown).map(viewOfHead) } : {}),
    };
  });
};
