/** `/v1/ledger` and `/v1/tasks/:task/handoff`: what runs have done and used, and the continuation summary of a task. */
import type { FastifyRequest } from 'fastify';
import { viewOfDocument, viewOfHead } from '#protocol/task-views.ts';
import { handoffQuery, type LedgerAnswer, ledgerQuery, taskParams } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { SumFilter } from '#store/usage-totals.ts';
import { summaryDiff } from '#task/handoff/summary-diff.ts';
import { summaryKey } from '#task/task.ts';
import { offsetMinutesAt } from '../../core/local-day.ts';
import { describe } from '../../core/log.ts';
import { read } from '../api-errors.ts';
import type { RouteDeps, Routes } from '../context.ts';
import { viewTask } from '../task-view.ts';

export const ledgerRoutes: Routes = (api, deps) => {
  api.get('/v1/ledger', (request) => showLedger(deps, request));
  api.get('/v1/tasks/:task/handoff', (request) => showHandoff(deps, request));
};

/**
 * Returns the ledger of runs, newest first. Missing verdicts are computed in the background and appear the next time.
 */
function showLedger(deps: RouteDeps, { query }: FastifyRequest): LedgerAnswer {
  const { task: number, agent, since, limit } = read(ledgerQuery, query);
  const task = number === undefined ? null : deps.tasks.get(number);
  const filter = { task: number, agentId: agent === undefined ? undefined : deps.agents.idOf(agent), since };
  const runs = deps.store.runs.ledger(filter, limit);
  const current = runs.map((run) => deps.supervisor.find(run.number) ?? run);
  deps.backfill.enqueue(current);
  return {
    schema: 1,
    task: task === null ? null : viewTask(deps, task),
    runs: current.map((run) => deps.show.show(run)),
    hidden: Math.max(0, deps.store.usageTotals.listed(filter) - runs.length),
    totals: sumTotals(deps, filter),
  };
}

function sumTotals({ store, now }: RouteDeps, filter: SumFilter): LedgerAnswer['totals'] {
  const { total, byTask, byAgent, byDay, ...hidden } = store.usageTotals.sum(filter, offsetMinutesAt(now()));
  const nameOf = (agentId: string | null) => (agentId === null ? null : (store.agents.nameOf(agentId) ?? agentId));
  return {
    ...total,
    ...hidden,
    byTask: byTask.map(({ task, sum }) => ({ task, ...sum })),
    byAgent: byAgent.map(({ agentId, sum }) => ({ agent: nameOf(agentId), ...sum })),
    byDay: byDay.map(({ day, sum }) => ({ day, ...sum })),
  };
}

/** Returns the continuation summary and its diff to the previous revision; with `history`, the list of revisions. */
async function showHandoff(deps: RouteDeps, { params, query }: FastifyRequest) {
  const { documents } = deps.store;
  const { number } = deps.tasks.get(read(taskParams, params).task);
  const { history, diff } = read(handoffQuery, query);
  // If the summary cannot be refreshed, the last one is shown.
  await deps.handoff
    .freshen(number)
    .catch((error) => deps.log('warn', 'continuation summary not written', { task: number, error: describe(error) }));
  const document = documents.get(number, summaryKey);
  if (document === null)
    throw new ClipError(
      'not_found',
      `T${number} has no continuation summary yet.`,
      'It is written when the first run of the task has ended.',
    );
  const before = document.revision === 1 ? null : documents.get(number, summaryKey, document.revision - 1);
  return {
    schema: 1,
    task: number,
    document: viewOfDocument(document),
    ...(diff ? { diff: summaryDiff(before?.body ?? null, document.body) } : {}),
    ...(history ? { history: documents.history(number, summaryKey, limits.activityShown).map(viewOfHead) } : {}),
  };
}
