/** `/v1/runs`: submits, lists, shows, retries, cancels and removes runs. */
import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readBeginning } from '#process/run-file.ts';
import { runFiles } from '#process/run-folder.ts';
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
import { read } from '../api-errors.ts';
import { authenticate, identifyPeer, requirePerson, runHeader } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';

/** Limit of a request body: input is sent as base64 inside JSON, which is a third longer. */
const runBodyBytes = Math.ceil((limits.promptBytesMax * 4) / 3) + 2 * limits.bodyBytesMax;

export const runRoutes: Routes = (api, deps) => {
  api.post('/v1/runs', { bodyLimit: runBodyBytes }, (request, reply) => submitRun(deps, request, reply));
  api.get('/v1/runs', (request) => listRuns(deps, request));
  api.get('/v1/runs/:run', (request) => showRun(deps, request));
  api.get('/v1/runs/:run/mapping', (request) => showMapping(deps, request));
  api.post('/v1/runs/:run/retry', { bodyLimit: runBodyBytes }, (request, reply) => retryRun(deps, request, reply));
  api.post('/v1/runs/:run/acknowledge', (request) => acknowledgeRun(deps, request));
  api.delete('/v1/runs/:run', (request) => removeRun(deps, request));
  api.post('/v1/prune', (request) => prune(deps, request));
  api.post('/v1/cancel', (request) => cancel(deps, request));
};

async function submitRun(deps: RouteDeps, request: FastifyRequest, reply: FastifyReply) {
  const body = read(runRequest, request.body);
  if (body.permission !== null) await requirePersonToChoose(request, deps);
  await deps.admission.lookAhead([body]);
  const [answer] = deps.admission.admit([body]);
  if (!answer || answer instanceof ClipError) throw answer ?? new Error('no answer');
  const { existing } = answer;
  if (!existing) await keepEnvironment(deps, request, answer.run, withoutNames(body.env, body.envNames));
  const run = deps.supervisor.find(answer.run.number) ?? answer.run;
  const waits = deps.scheduler.waitingFor(run);
  const notice = waits?.for === 'budget' ? `Run ${run.number} waits: ${waits.words}.` : null;
  return reply
    .code(existing ? 200 : 201)
    .send({ schema: 1, run: deps.show.show(run), existing, notice, keeper: deps.keepers.wantedFor(run.id) });
}

/** Throws if an agent would start a run with another permission than that of its settings. */
async function requirePersonToChoose(request: FastifyRequest, deps: RouteDeps): Promise<void> {
  await identifyPeer(request, deps);
  requirePerson(request, deps, 'chooses the permission of a run');
}

function listRuns(deps: RouteDeps, request: FastifyRequest) {
  const query = read(runsQuery, request.query);
  const filter = {
    statuses: parseStatuses(query),
    group: query.group,
    name: query.name,
    since: query.since,
    label: query.label === undefined ? undefined : splitLabel(query.label),
    agentId: query.agent === undefined ? undefined : deps.agents.idOf(query.agent),
    task: query.task,
  };
  const { runs, hidden, next } = deps.store.runs.page(filter, { before: query.before ?? null, limit: query.limit });
  const views = runs.map((run) => deps.show.show(deps.supervisor.find(run.number) ?? run));
  return { schema: 1, runs: views, hidden, next };
}

async function showRun(deps: RouteDeps, request: FastifyRequest) {
  const run = requireRun(deps, request);
  const view = await deps.show.showSampled(run);
  const events = deps.store.events.ofRun(run.number, limits.eventsShown).map(buildEventView);
  return { schema: 1, run: view, prompt: readShownPrompt(deps.folderOf(run), run), events };
}

/** Returns the beginning of what the agent was given. Null for a plain command, or if it is not kept. */
function readShownPrompt(folder: string, { spec }: Run): string | null {
  if (spec.agent === null || spec.promptSecret) return null;
  const text = readBeginning(join(folder, runFiles.prompt), limits.promptShownBytes);
  return text === '' ? null : text;
}

function showMapping(deps: RouteDeps, request: FastifyRequest): MappingAnswer {
  return { schema: 1, mapping: requireRun(deps, request).spec.agent?.mapping ?? null };
}

async function retryRun(deps: RouteDeps, request: FastifyRequest, reply: FastifyReply) {
  const run = requireRun(deps, request);
  const body = read(retryRequest, request.body);
  if (!isEnded(run.state))
    throw new ClipError(
      'refused',
      `Run ${run.number} is still ${run.state.status}; only an ended run can be retried.`,
      `Stop it first: clip cancel ${run.number}`,
    );
  const { cwd, stdin, agent, chosen } = run.spec;
  // The repetition has the permission that a person chose for what was asked then, and not for other words.
  if (chosen != null && chosen.permission !== null) await requirePersonToChoose(request, deps);
  await deps.admission.lookAhead([{ cwd, stdin: stdin.kind === 'file' ? stdin : null, agent: agent?.name ?? null }]);
  const { run: again, existing } = deps.admission.retry(run, body);
  if (!existing) await keepEnvironment(deps, request, again, withoutNames(body.env, body.envNames));
  deps.supervisor.submit(run.number, { type: 'acknowledged', how: 'retried' });
  const missing = run.spec.envNames.filter((name) => !body.envNames.includes(name));
  const notice = missing.length === 0 ? null : missingVariables(run, missing);
  const view = deps.show.show(deps.supervisor.find(again.number) ?? again);
  return reply
    .code(existing ? 200 : 201)
    .send({ schema: 1, run: view, existing, notice, keeper: deps.keepers.wantedFor(again.id) });
}

/** Acknowledges what a run needed a person for. */
function acknowledgeRun(deps: RouteDeps, request: FastifyRequest) {
  requirePerson(request, deps, 'takes a run off the list of what needs one');
  const run = requireRun(deps, request);
  const { how } = read(acknowledgeRequest, request.body);
  deps.supervisor.submit(run.number, { type: 'acknowledged', how });
  return { schema: 1, run: deps.show.show(deps.supervisor.find(run.number) ?? run), existing: true };
}

function removeRun(deps: RouteDeps, request: FastifyRequest) {
  const run = requireRun(deps, request);
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
}

async function prune(deps: RouteDeps, request: FastifyRequest): Promise<PruneAnswer> {
  const { olderThanMs, keep, dryRun } = read(pruneRequest, request.body);
  request.raw.socket.setTimeout(0);
  const endedBefore = olderThanMs === null ? null : deps.now() - olderThanMs;
  const numbers = await deps.removal.prune({ endedBefore, keep }, dryRun);
  return { schema: 1, dryRun, removed: numbers.length, runs: numbers.slice(0, limits.pageRunsMax) };
}

async function cancel(deps: RouteDeps, request: FastifyRequest): Promise<CancelAnswer> {
  const body = read(cancelRequest, request.body);
  const { store, supervisor, wakes, resolve, tasks, agents, now } = deps;
  // A hundred thousand runs take long, during which nothing is sent.
  request.raw.socket.setTimeout(0);
  const taskNumber = (task: number) => tasks.get(task).number;
  const agentId = (name: string) => agents.idOf(name);
  const results = await cancelRuns({ store, supervisor, wakes, resolve, taskNumber, agentId, now }, body);
  return { schema: 1, results };
}

function requireRun({ resolve }: RouteDeps, { params }: FastifyRequest): Run {
  return resolve(read(refParams, params).run);
}

/**
 * Keeps the environment with which a person starts a run of a task. Later automatic runs of the task start from it.
 */
async function keepEnvironment(
  deps: RouteDeps,
  request: FastifyRequest,
  { spec, lineage }: Run,
  environment: Environment,
): Promise<void> {
  const { taskId: task } = lineage;
  if (task === null || spec.agent === null || typeof request.headers[runHeader] === 'string') return;
  try {
    await identifyPeer(request, deps);
    if (authenticate(request, deps).kind !== 'person' || deps.store.tasks.byNumber(task) === null) return;
    deps.supervisor.transaction((tx) => deps.environments.keep(tx, { task }, environment));
  } catch (error) {
    // The run is admitted, so this failure must not fail the request.
    deps.log('warn', 'task environment not kept', { task, error: describe(error) });
  }
}

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

/**
 * Describes missing `--env` values. They are not kept after the end of a run, and a retry without them would be another
 * run.
 */
function missingVariables({ number }: Run, names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  const again = `clip retry ${number} --env ${names[0]}=…`;
  return `Run ${number} had values for ${shown} from --env, which are not kept. To give them again: ${again}`;
}
