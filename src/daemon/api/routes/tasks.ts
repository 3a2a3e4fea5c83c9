import { findAdapter } from '#adapters/registry.ts';
import { buildEventView } from '#protocol/build-views.ts';
import { viewOfComment, viewOfDocument, viewOfHead, viewOfTask, viewOfWake } from '#protocol/task-views.ts';
import {
  commentRequest,
  continueRequest,
  documentParams,
  documentQuery,
  documentRequest,
  documentsQuery,
  editTaskRequest,
  moveRequest,
  newTaskRequest,
  type TaskShowAnswer,
  type TaskView,
  taskParams,
  tasksQuery,
} from '#protocol/tasks.ts';
import { doubtAbout } from '#run/budget.ts';
import { ClipError } from '#run/errors.ts';
import { isoTime } from '#run/iso-time.ts';
import { limits } from '#run/limits.ts';
import type { Environment } from '#run/run-environment.ts';
import { type Actor, type Assignee, isClosed, type Task } from '#task/task.ts';
import type { TaskChange } from '#task/task-transitions.ts';
import { buildProfile } from '../../agents/invocation.ts';
import type { Tx } from '../../core/transaction.ts';
import { authenticate, requirePerson } from '../auth.ts';
import type { Routes } from '../context.ts';
import { read } from '../errors.ts';

const largeBody = { bodyLimit: 4 * limits.bodyBytesMax };

export const taskRoutes: Routes = (api, deps) => {
  const { store, tasks, agents, supervisor } = deps;

  const agentName = (agentId: string) => store.agents.nameOf(agentId);
  const view = (task: Task): TaskView =>
    viewOfTask(task, {
      nameOf: agentName,
      paused: isClosed(task.status) ? null : deps.budgets.mayStart(null, task.number),
    });
  /** Describes what the task's budget cannot enforce in time, because the agent's CLI reports its usage too late. */
  function budgetNote({ budget, assignee }: Task): string | null {
    const agent = assignee?.kind === 'agent' ? store.agents.byId(assignee.agentId) : null;
    if (budget === null || agent === null) return null;
    const doubt = doubtAbout(budget, findAdapter(buildProfile(agent)).tells);
    return doubt === null ? null : `Agent ${agent.name}: ${doubt}.`;
  }

  const one = (params: unknown): Task => tasks.get(read(taskParams, params).task);

  function resolveAssignee(who: string | null): Assignee | null {
    if (who === null) return null;
    return who === 'me' ? { kind: 'person' } : { kind: 'agent', agentId: agents.get(who).id };
  }

  /** Keeps the environment that the task's automatic runs start from. */
  function keepEnvironment(tx: Tx, task: number, caller: Actor, given: Environment | null): void {
    const environment = deps.environments.ofCaller(caller, given);
    if (environment !== null) deps.environments.keep(tx, { task }, environment);
  }

  api.post('/v1/tasks', largeBody, (request, reply) => {
    const { assignee, environment, ...fields } = read(newTaskRequest, request.body);
    const caller = authenticate(request, deps);
    const assigned = resolveAssignee(assignee);
    const task = supervisor.transaction((tx) =>
      tasks.add(tx, { ...fields, assignee: assigned }, caller, (number) => {
        if (assigned?.kind === 'agent') keepEnvironment(tx, number, caller, environment);
      }),
    );
    return reply
      .code(201)
      .send({ schema: 1, task: view(task), note: budgetNote(task) ?? deps.costNotice(task, caller) });
  });

  api.get('/v1/tasks', (request) => {
    const { status, assignee, limit, before } = read(tasksQuery, request.query);
    const mine = assignee === 'me';
    const agentId = assignee === undefined || mine ? undefined : agents.idOf(assignee);
    const page = store.tasks.page({ statuses: status, agentId, mine }, { before: before ?? null, limit });
    return { schema: 1, tasks: page.tasks.map(view), next: page.next };
  });

  api.get('/v1/tasks/:task', (request) => {
    const task = one(request.params);
    const { number } = task;
    return {
      schema: 1,
      task: view(task),
      comments: store.comments.ofTask(number, limits.activityShown).map(viewOfComment),
      documents: store.documents.list(number, false).map(viewOfHead),
      wakes: store.wakes.ofTask(number, limits.activityShown).map((wake) => viewOfWake(wake, agentName)),
      activity: store.events.ofTask(number, limits.activityShown).map(buildEventView),
      environment: environmentView(number),
    };
  });

  function environmentView(task: number): TaskShowAnswer['environment'] {
    const keptAt = deps.environments.keptAt({ task });
    return keptAt === null ? { source: 'daemon', keptAt: null } : { source: 'person', keptAt: isoTime(keptAt) };
  }

  api.patch('/v1/tasks/:task', largeBody, (request) => {
    const { number } = one(request.params);
    const fields = Object.fromEntries(
      Object.entries(read(editTaskRequest, request.body)).filter(([, value]) => value !== undefined),
    );
    if (Object.keys(fields).length === 0)
      throw new ClipError('usage', 'There is nothing to change.', 'clip task edit --help lists what can be changed.');
    if ('budget' in fields) requirePerson(request, deps, 'sets what a task may use');
    const caller = authenticate(request, deps);
    const task = supervisor.transaction((tx) => tasks.change(tx, number, { type: 'edit', fields }, caller));
    return { schema: 1, task: view(task), note: 'budget' in fields ? budgetNote(task) : null };
  });

  api.post('/v1/tasks/:task/move', largeBody, (request) => {
    const { number } = one(request.params);
    const body = read(moveRequest, request.body);
    const caller = authenticate(request, deps);
    const change = toChange(body);
    const moved = supervisor.transaction((tx) => {
      if ('environment' in body && startsAgent(number, change)) keepEnvironment(tx, number, caller, body.environment);
      return tasks.change(tx, number, change, caller);
    });
    return {
      schema: 1,
      task: view(moved),
      note: body.move === 'assign' ? (budgetNote(moved) ?? deps.costNotice(moved, caller)) : null,
    };
  });

  /** Returns whether an agent works on the task after this change. */
  function startsAgent(number: number, change: TaskChange): boolean {
    const assignee = change.type === 'assign' ? change.assignee : tasks.get(number).assignee;
    return assignee?.kind === 'agent';
  }

  function toChange(body: ReturnType<typeof moveRequest.parse>): TaskChange {
    if (body.move === 'block') return { type: 'block', reason: body.reason, next: null };
    if (body.move === 'assign') return { type: 'assign', assignee: resolveAssignee(body.assignee) };
    return { type: body.move };
  }

  api.post('/v1/tasks/:task/dismiss', (request) => {
    const { number } = one(request.params);
    requirePerson(request, deps, 'takes a task off the list of what needs one');
    const caller = authenticate(request, deps);
    return { schema: 1, task: view(supervisor.transaction((tx) => tasks.dismiss(tx, number, caller))) };
  });

  /** Starts the next run by hand, whatever held up the task. */
  api.post('/v1/tasks/:task/continue', largeBody, (request, reply) => {
    const { number } = one(request.params);
    const { agent, prompt, fresh, environment } = read(continueRequest, request.body);
    const caller = authenticate(request, deps);
    const asked = { agentId: agent === null ? null : agents.get(agent).id, words: prompt, fresh };
    const answer = supervisor.transaction((tx) => {
      keepEnvironment(tx, number, caller, environment);
      return deps.taskReactions.continueTask(tx, number, asked, caller);
    });
    const run = answer.wake.runId === null ? null : supervisor.findById(answer.wake.runId);
    const busyWith = run === null ? (deps.wakes.busyWith(number, '')?.number ?? null) : null;
    return reply.code(201).send({
      schema: 1,
      task: view(tasks.get(number)),
      wake: viewOfWake(answer.wake, agentName),
      run: run === null ? null : deps.show.show(run),
      busyWith,
    });
  });

  api.post('/v1/tasks/:task/comments', largeBody, (request, reply) => {
    const { number } = one(request.params);
    const { text } = read(commentRequest, request.body);
    const caller = authenticate(request, deps);
    const comment = supervisor.transaction((tx) => tasks.comment(tx, number, { text, key: null }, caller));
    if (comment === null) throw new Error('a comment without a key was known already');
    return reply.code(201).send({ schema: 1, comment: viewOfComment(comment) });
  });

  api.get('/v1/tasks/:task/documents', (request) => {
    const { number } = one(request.params);
    return {
      schema: 1,
      task: number,
      documents: store.documents.list(number, read(documentsQuery, request.query).system).map(viewOfHead),
    };
  });

  api.get('/v1/tasks/:task/documents/:key', (request) => {
    const { task: number, key } = read(documentParams, request.params);
    tasks.get(number);
    const { revision } = read(documentQuery, request.query);
    const document = store.documents.get(number, key, revision ?? null);
    if (document) return { schema: 1, task: number, document: viewOfDocument(document) };
    const which = revision === undefined ? `no document ${key}` : `no revision ${revision} of document ${key}`;
    throw new ClipError('not_found', `T${number} has ${which}.`, `clip task doc list T${number} shows what there is.`);
  });

  api.put('/v1/tasks/:task/documents/:key', largeBody, (request) => {
    const { task: number, key } = read(documentParams, request.params);
    const put = { key, ...read(documentRequest, request.body) };
    const caller = authenticate(request, deps);
    const document = supervisor.transaction((tx) => tasks.putDocument(tx, number, put, caller));
    return { schema: 1, task: number, document: viewOfDocument(document) };
  });
};
