/** `/v1/tasks`: adds, lists, shows and changes tasks, and starts their next runs by hand. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { buildEventView } from '#protocol/build-views.ts';
import { viewOfComment, viewOfHead, viewOfWake } from '#protocol/task-views.ts';
import {
  continueRequest,
  editTaskRequest,
  moveRequest,
  newTaskRequest,
  taskParams,
  tasksQuery,
} from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isEnded } from '#run/run.ts';
import type { Environment } from '#run/run-environment.ts';
import type { Actor, Assignee, Task } from '#task/task.ts';
import type { TaskChange } from '#task/task-transitions.ts';
import type { Tx } from '../../core/transaction.ts';
import { read } from '../api-errors.ts';
import { authenticate, requirePerson } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';
import { findBudgetNote, viewTask, viewTaskEnvironment } from '../task-view.ts';

const largeBody = { bodyLimit: 4 * limits.bodyBytesMax };

export const taskRoutes: Routes = (api, deps) => {
  api.post('/v1/tasks', largeBody, (request, reply) => addTask(deps, request, reply));
  api.get('/v1/tasks', (request) => listTasks(deps, request));
  api.get('/v1/tasks/:task', (request) => showTask(deps, request));
  api.patch('/v1/tasks/:task', largeBody, (request) => editTask(deps, request));
  api.post('/v1/tasks/:task/move', largeBody, (request) => moveTask(deps, request));
  api.post('/v1/tasks/:task/dismiss', (request) => dismissTask(deps, request));
  api.post('/v1/tasks/:task/continue', largeBody, (request, reply) => continueTask(deps, request, reply));
};

function addTask(deps: RouteDeps, request: FastifyRequest, reply: FastifyReply) {
  const { assignee, environment, ...fields } = read(newTaskRequest, request.body);
  const caller = authenticate(request, deps);
  const assigned = resolveAssignee(deps, assignee);
  const task = deps.supervisor.transaction((tx) =>
    deps.tasks.add(tx, { ...fields, assignee: assigned }, caller, (number) => {
      if (assigned?.kind === 'agent') keepEnvironment(deps, tx, number, caller, environment);
    }),
  );
  const note = findBudgetNote(deps, task) ?? deps.costNotice(task, caller);
  return reply.code(201).send({ schema: 1, task: viewTask(deps, task), note });
}

function listTasks(deps: RouteDeps, request: FastifyRequest) {
  const { status, assignee, limit, before } = read(tasksQuery, request.query);
  const mine = assignee === 'me';
  const agentId = assignee === undefined || mine ? undefined : deps.agents.idOf(assignee);
  const page = deps.store.tasks.page({ statuses: status, agentId, mine }, { before: before ?? null, limit });
  return { schema: 1, tasks: page.tasks.map((task) => viewTask(deps, task)), next: page.next };
}

function showTask(deps: RouteDeps, request: FastifyRequest) {
  const { store } = deps;
  const task = requireTask(deps, request);
  const { number } = task;
  return {
    schema: 1,
    task: viewTask(deps, task),
    comments: store.comments.ofTask(number, limits.activityShown).map(viewOfComment),
    documents: store.documents.list(number, false).map(viewOfHead),
    wakes: store.wakes
      .ofTask(number, limits.activityShown)
      .map((wake) => viewOfWake(wake, (agentId) => store.agents.nameOf(agentId))),
    activity: store.events.ofTask(number, limits.activityShown).map(buildEventView),
    environment: viewTaskEnvironment(deps, number),
  };
}

function editTask(deps: RouteDeps, request: FastifyRequest) {
  const { number } = requireTask(deps, request);
  const given = Object.entries(read(editTaskRequest, request.body)).filter(([, value]) => value !== undefined);
  const fields = Object.fromEntries(given);
  if (given.length === 0)
    throw new ClipError('usage', 'There is nothing to change.', 'clip task edit --help lists what can be changed.');
  if ('budget' in fields) requirePerson(request, deps, 'sets what a task may use');
  const caller = authenticate(request, deps);
  const task = deps.supervisor.transaction((tx) => deps.tasks.change(tx, number, { type: 'edit', fields }, caller));
  return { schema: 1, task: viewTask(deps, task), note: 'budget' in fields ? findBudgetNote(deps, task) : null };
}

/** Changes after which no run of a task starts. */
const settles: ReadonlySet<string> = new Set(['review', 'done', 'block', 'cancel']);

function moveTask(deps: RouteDeps, request: FastifyRequest) {
  const { number } = requireTask(deps, request);
  const body = read(moveRequest, request.body);
  const caller = authenticate(request, deps);
  const change = toChange(deps, body);
  if (caller.kind === 'agent' && settles.has(change.type) && deps.wakes.isAskedFor(number))
    throw new ClipError(
      'refused',
      `A person has asked for more work on T${number} since this run began.`,
      'End this run: the next one takes it up.',
    );
  const task = deps.supervisor.transaction((tx) => {
    if ('environment' in body && startsAgent(deps, number, change))
      keepEnvironment(deps, tx, number, caller, body.environment);
    return deps.tasks.change(tx, number, change, caller);
  });
  const note =
    body.move === 'done'
      ? findLiveNote(deps, number)
      : body.move === 'assign'
        ? (findBudgetNote(deps, task) ?? deps.costNotice(task, caller))
        : null;
  return { schema: 1, task: viewTask(deps, task), note };
}

/** Returns that a run of an agent still works on a task that was closed, or null. */
function findLiveNote({ store }: RouteDeps, task: number): string | null {
  const live = store.runs.openOfTask(task).filter(({ state, spec }) => !isEnded(state) && spec.agent !== null);
  const [run] = live;
  return run === undefined ? null : `Run ${run.number} still works on T${task}. Stop it: clip cancel ${run.number}`;
}

function dismissTask(deps: RouteDeps, request: FastifyRequest) {
  const { number } = requireTask(deps, request);
  requirePerson(request, deps, 'takes a task off the list of what needs one');
  const caller = authenticate(request, deps);
  const task = deps.supervisor.transaction((tx) => deps.tasks.dismiss(tx, number, caller));
  return { schema: 1, task: viewTask(deps, task) };
}

/** Starts the next run by hand, whatever held up the task. */
function continueTask(deps: RouteDeps, request: FastifyRequest, reply: FastifyReply) {
  const { store, supervisor } = deps;
  const { number } = requireTask(deps, request);
  const { agent, prompt, fresh, environment } = read(continueRequest, request.body);
  const caller = authenticate(request, deps);
  const asked = { agentId: agent === null ? null : deps.agents.get(agent).id, words: prompt, fresh };
  const { wake } = supervisor.transaction((tx) => {
    keepEnvironment(deps, tx, number, caller, environment);
    return deps.taskReactions.continueTask(tx, number, asked, caller);
  });
  const run = wake.runId === null ? null : supervisor.findById(wake.runId);
  const busyWith = run === null ? (deps.wakes.busyWith(number, '')?.number ?? null) : null;
  return reply.code(201).send({
    schema: 1,
    task: viewTask(deps, deps.tasks.get(number)),
    wake: viewOfWake(wake, (agentId) => store.agents.nameOf(agentId)),
    run: run === null ? null : deps.show.show(run),
    busyWith,
  });
}

function requireTask({ tasks }: RouteDeps, { params }: FastifyRequest): Task {
  return tasks.get(read(taskParams, params).task);
}

function resolveAssignee({ agents }: RouteDeps, who: string | null): Assignee | null {
  if (who === null) return null;
  return who === 'me' ? { kind: 'person' } : { kind: 'agent', agentId: agents.get(who).id };
}

/** Keeps the environment that the task's automatic runs start from. */
function keepEnvironment(
  { environments }: RouteDeps,
  tx: Tx,
  task: number,
  caller: Actor,
  given: Environment | null,
): void {
  const environment = environments.ofCaller(caller, given);
  if (environment !== null) environments.keep(tx, { task }, environment);
}

/** Returns whether an agent works on the task after this change. */
function startsAgent({ tasks }: RouteDeps, number: number, change: TaskChange): boolean {
  const assignee = change.type === 'assign' ? change.assignee : tasks.get(number).assignee;
  return assignee?.kind === 'agent';
}

function toChange(deps: RouteDeps, body: ReturnType<typeof moveRequest.parse>): TaskChange {
  if (body.move === 'block') return { type: 'block', reason: body.reason, next: null };
  if (body.move === 'assign') return { type: 'assign', assignee: resolveAssignee(deps, body.assignee) };
  return { type: body.move };
}
