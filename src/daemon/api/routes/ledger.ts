import { viewOfDocument, viewOfHead, viewOfTask } from '#protocol/task-views.ts';
import { handoffQuery, type LedgerAnswer, ledgerQuery, taskParams } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { summaryDiff } from '#task/handoff/summary-diff.ts';
import { isClosed, summaryKey } from '#task/task.ts';
import { offsetMinutesAt } from '../../core/local-day.ts';
import { describe } from '../../core/log.ts';
import type { Routes } from '../context.ts';
import { read } from '../errors.ts';

export const ledgerRoutes: Routes = (api, deps) => {
  const { store, tasks, show, supervisor } = deps;
  const agentName = (agentId: string) => store.agents.nameOf(agentId);

  /** Returns the ledger of runs, newest first. Missing verdicts are computed in the background and appear the next time. */
  api.get('/v1/ledger', (request): LedgerAnswer => {
    const { task: number, agent, since, limit } = read(ledgerQuery, request.query);
    const task = number === undefined ? null : tasks.get(number);
    const agentId = agent === undefined ? undefined : deps.agents.idOf(agent);
    const { runs, hidden } = store.runs.ledger({ task: number, agentId, since }, limit);
    const current = runs.map((run) => supervisor.find(run.number) ?? run);
    deps.backfill.enqueue(current);
    return {
      schema: 1,
      task:
        task === null
          ? null
          : viewOfTask(task, {
              nameOf: agentName,
              paused: isClosed(task.status) ? null : deps.budgets.mayStart(null, task.number),
            }),
      runs: current.map(show.show),
      hidden,
      totals: sumTotals({ task: number, agentId, since }),
    };
  });

  function sumTotals(filter: {
    task?: number | undefined;
    agentId?: string | undefined;
    since?: number | undefined;
  }): LedgerAnswer['totals'] {
    const { total, byTask, byAgent, byDay } = store.ledger(filter, offsetMinutesAt(deps.now()));
    return {
      ...total,
      byTask: byTask.map(({ task, sum }) => ({ task, ...sum })),
      byAgent: byAgent.map(({ agentId, sum }) => ({
        agent: agentId === null ? null : (agentName(agentId) ?? agentId),
        ...sum,
      })),
      byDay: byDay.map(({ day, sum }) => ({ day, ...sum })),
    };
  }

  /** Returns the continuation summary and its diff to the previous revision; with `history`, the list of revisions. */
  api.get('/v1/tasks/:task/handoff', async (request) => {
    const { number } = tasks.get(read(taskParams, request.params).task);
    const { history } = read(handoffQuery, request.query);
    // If the summary cannot be refreshed, the last one is shown.
    await deps.handoff
      .freshen(number)
      .catch((error) => deps.log('warn', 'continuation summary not written', { task: number, error: describe(error) }));
    const document = store.documents.get(number, summaryKey);
    if (document === null)
      throw new ClipError(
        'not_found',
        `T${number} has no continuation summary yet.`,
        'It is written when the first run of the task has ended.',
      );
    const before = document.revision === 1 ? null : store.documents.get(number, summaryKey, document.revision - 1);
    return {
      schema: 1,
      task: number,
      document: viewOfDocument(document),
      diff: summaryDiff(before?.body ?? null, document.body),
      ...(history
        ? { history: store.documents.history(number, summaryKey, limits.activityShown).map(viewOfHead) }
        : {}),
    };
  });
};
