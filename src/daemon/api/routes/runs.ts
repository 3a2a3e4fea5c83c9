import type { FastifyRequest } from 'fastify';
import type { CancelAnswer, MappingAnswer, PruneAnswer } from '#protocol/answers.ts';
import { buildEventView } from '#protocol/build-views.ts';
import {
  acknowledgeRequest,
  cancelRequest,
  pruneRequest,
  refParams,
  retryRequest,
  runRequest,
  runsQuery,
} from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { endedStatuses, isEnded, liveStatuses, type Run, type RunStatus } from '#run/run.ts';
import type { Environment } from '#run/run-environment.ts';
import { isSettled } from '#run/state-machine.ts';
import { describe } from '../../core/log.ts';
import { cancelRuns, splitLabel } from '../../runs/cancel.ts';
import { authenticate, identifyPeer, requirePerson, runHeader } from '../auth.ts';
import type { Routes } from '../context.ts';
import { read } from '../errors.ts';

/** Limit of a request body: input is sent as base64 inside JSON, which is a third longer. */
const runBodyBytes = Math.ceil((limits.promptBytesMax * 4) / 3) + 2 * limits.bodyBytesMax;

export const runRoutes: Routes = (api, deps) => {
  const { store, supervisor, resolve, show } = deps;

  /** Keeps the environment with which a person starts a run of a task. Later automatic runs of the task start from it. */
  async function keepEnvironment(
    request: FastifyRequest,
    { spec, lineage }: Run,
    environment: Environment,
  ): Promise<void> {
    const { taskId: task } = lineage;
    if (task === null || spec.agent === null || typeof request.headers[runHeader] === 'string') return;
    try {
      await identifyPeer(request, deps);
      if (authenticate(request, deps).kind !== 'person' || store.tasks.byNumber(task) === null) return;
      supervisor.transaction((tx) => deps.environments.keep(tx, { task }, environment));
    } catch (error) {
      // The run is admitted, so this failure must not fail the request.
      deps.log('warn', 'task environment not kept', { task, error: describe(error) });
    }
  }

  api.post('/v1/runs', { bodyLimit: runBodyBytes }, async (request, reply) => {
    const body = read(runRequest, request.body);
    await deps.admission.lookAhead([body]);
    const [answer] = deps.admission.admit([body]);
    if (!answer || answer instanceof ClipError) throw answer ?? new Error('no answer');
    if (!answer.existing) await keepEnvironment(request, answer.run, withoutNames(body.env, body.envNames));
    const run = supervisor.find(answer.run.number) ?? answer.run;
    const waits = deps.scheduler.waitingFor(run);
    const notice = waits?.for === 'budget' ? `Run ${run.number} waits: ${waits.words}.` : null;
    return reply.code(answer.existing ? 200 : 201).send({
      schema: 1,
      run: show.show(run),
      existing: answer.existing,
      notice,
      keeper: deps.keepers.wantedFor(run.id),
    });
  });

  api.get('/v1/runs', (request) => {
    const query = read(runsQuery, request.query);
    const label = query.label === undefined ? undefined : splitLabel(query.label);
    const filter = {
      statuses: parseStatuses(query),
      group: query.group,
      name: query.name,
      since: query.since,
      label,
      agentId: query.agent === undefined ? undefined : deps.agents.idOf(query.agent),
      task: query.task,
    };
    const page = store.runs.page(filter, { before: query.before ?? null, limit: query.limit });
    return {
      schema: 1,
      runs: page.runs.map((run) => show.show(supervisor.find(run.number) ?? run)),
      hidden: page.hidden,
      next: page.next,
    };
  });

  api.get('/v1/runs/:run', async (request) => {
    const run = resolve(read(refParams, request.params).run);
    const view = await show.showSampled(run);
    return { schema: 1, run: view, events: store.events.ofRun(run.number, limits.eventsShown).map(buildEventView) };
  });

  api.get(
    '/v1/runs/:run/mapping',
    (request): MappingAnswer => ({
      schema: 1,
      mapping: resolve(read(refParams, request.params).run).spec.agent?.mapping ?? null,
    }),
  );

  api.post('/v1/runs/:run/retry', { bodyLimit: runBodyBytes }, async (request, reply) => {
    const run = resolve(read(refParams, request.params).run);
    const body = read(retryRequest, request.body);
    if (!isEnded(run.state))
      throw new ClipError(
        'refused',
        `Run ${run.number} is still ${run.state.status}; only an ended run can be retried.`,
        `Stop it first: clip cancel ${run.number}`,
      );
    const { cwd, stdin, agent } = run.spec;
    await deps.admission.lookAhead([{ cwd, stdin: stdin.kind === 'file' ? stdin : null, agent: agent?.name ?? null }]);
    const { run: again, existing } = deps.admission.retry(run, body);
    if (!existing) await keepEnvironment(request, again, withoutNames(body.env, body.envNames));
    supervisor.submit(run.number, { type: 'acknowledged', how: 'retried' });
    const missing = run.spec.envNames.filter((name) => !body.envNames.includes(name));
    const notice = missing.length === 0 ? null : missingVariables(run, missing);
    const view = show.show(supervisor.find(again.number) ?? again);
    return reply
      .code(existing ? 200 : 201)
      .send({ schema: 1, run: view, existing, notice, keeper: deps.keepers.wantedFor(again.id) });
  });

  /** Acknowledges what a run needed a person for. */
  api.post('/v1/runs/:run/acknowledge', (request) => {
    requirePerson(request, deps, 'takes a run off the list of what needs one');
    const run = resolve(read(refParams, request.params).run);
    const { how } = read(acknowledgeRequest, request.body);
    supervisor.submit(run.number, { type: 'acknowledged', how });
    return { schema: 1, run: show.show(supervisor.find(run.number) ?? run), existing: true };
  });

  api.delete('/v1/runs/:run', (request) => {
    const run = resolve(read(refParams, request.params).run);
    if (!isSettled(run)) {
      const why = isEnded(run.state) ? 'is still clearing up what it left behind' : `is ${run.state.status}`;
      throw new ClipError(
        'refused',
        `Run ${run.number} ${why}; only an ended run can be removed.`,
        `Stop it first: clip cancel ${run.number}`,
      );
    }
    deps.removal.remove(run);
    return { schema: 1, removed: run.number };
  });

  api.post('/v1/prune', async (request): Promise<PruneAnswer> => {
    const { olderThanMs, keep, dryRun } = read(pruneRequest, request.body);
    request.raw.socket.setTimeout(0);
    const numbers = await deps.removal.prune(
      { endedBefore: olderThanMs === null ? null : deps.now() - olderThanMs, keep },
      dryRun,
    );
    return { schema: 1, dryRun, removed: numbers.length, runs: numbers.slice(0, limits.pageRunsMax) };
  });

  api.post('/v1/cancel', async (request): Promise<CancelAnswer> => {
    const body = read(cancelRequest, request.body);
    // A hundred thousand runs take long, during which nothing is sent.
    request.raw.socket.setTimeout(0);
    const results = await cancelRuns(
      {
        store,
        supervisor,
        wakes: deps.wakes,
        resolve,
        taskNumber: (task) => deps.tasks.get(task).number,
        agentId: deps.agents.idOf,
        now: deps.now,
      },
      body,
    );
    return { schema: 1, results };
  });
};

function parseStatuses(query: {
  status?: RunStatus[] | undefined;
  failed?: boolean | undefined;
  live?: boolean | undefined;
}): readonly RunStatus[] | undefined {
  const chosen = new Set<RunStatus>(query.status ?? []);
  if (query.failed)
    for (const status of endedStatuses) if (status === 'failed' || status === 'timed_out') chosen.add(status);
  if (query.live) for (const status of liveStatuses) chosen.add(status);
  return chosen.size === 0 ? undefined : [...chosen];
}

/** Returns the environment without variables that were given for one run only. */
function withoutNames(env: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}

/** Describes missing `--env` values. They are not kept after the end of a run, and a retry without them would be another run. */
function missingVariables({ number }: Run, names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return `Run ${number} had values for ${shown} from --env, which are not kept. To give them again: clip retry ${number} --env ${names[0]}=…`;
}
