import { viewOfComment, viewOfDocument, viewOfHead, viewOfTask, viewOfWake } from '../../protocol/task-views.ts';
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
  type TaskView,
  taskParams,
  tasksQuery,
} from '../../protocol/tasks.ts';
import { eventViewOf } from '../../protocol/views.ts';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';
import type { TaskChange } from '../../task/change.ts';
import { type Assignee, isClosed, type Task } from '../../task/task.ts';
import { read } from './border.ts';
import { callerOf, personOnly } from './caller.ts';
import type { Routes } from './world.ts';

const largeBody = { bodyLimit: 4 * limits.bodyBytesMax };

export const taskRoutes: Routes = (api, world) => {
  const { store, tasks, agents, supervisor } = world;

  const nameOf = (agentId: string) => store.agents.nameOf(agentId);
  const view = (task: Task): TaskView => viewOfTask(task, { nameOf, paused: isClosed(task.status) ? null : world.spending.mayStart(null, task.number) });
  const one = (params: unknown): Task => tasks.get(read(taskParams, params).task);

  function assigneeOf(who: string | null): Assignee | null {
    if (who === null) return null;
    return who === 'me' ? { kind: 'person' } : { kind: 'agent', agentId: agents.get(who).id };
  }

  api.post('/v1/tasks', largeBody, (request, reply) => {
    const { assignee, ...fields } = read(newTaskRequest, request.body);
    const task = tasks.add({ ...fields, assignee: assigneeOf(assignee) }, callerOf(request, world));
    return reply.code(201).send({ schema: 1, task: view(task) });
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
      wakes: store.wakes.ofTask(number, limits.activityShown).map((wake) => viewOfWake(wake, nameOf)),
      activity: store.events.ofTask(number, limits.activityShown).map(eventViewOf),
    };
  });

  api.patch('/v1/tasks/:task', largeBody, (request) => {
    const { number } = one(request.params);
    const fields = Object.fromEntries(Object.entries(read(editTaskRequest, request.body)).filter(([, value]) => value !== undefined));
    if (Object.keys(fields).length === 0) throw new ClipError('usage', 'There is nothing to change.', 'clip task edit --help lists what can be changed.');
    if ('budget' in fields) personOnly(request, world, 'sets what a task may use');
    return { schema: 1, task: view(tasks.change(number, { type: 'edit', fields }, callerOf(request, world))) };
  });

  api.post('/v1/tasks/:task/move', (request) => {
    const { number } = one(request.params);
    const body = read(moveRequest, request.body);
    const caller = callerOf(request, world);
    return { schema: 1, task: view(tasks.change(number, changeOf(body), caller)) };
  });

  function changeOf(body: ReturnType<typeof moveRequest.parse>): TaskChange {
    if (body.move === 'block') return { type: 'block', reason: body.reason, next: null };
    if (body.move === 'assign') return { type: 'assign', assignee: assigneeOf(body.assignee) };
    return { type: body.move };
  }

  /** A person starts the next run by hand: whatever held the task up is over. */
  api.post('/v1/tasks/:task/continue', (request, reply) => {
    const { number } = one(request.params);
    const { agent, prompt, fresh } = read(continueRequest, request.body);
    const caller = callerOf(request, world);
    const answer = world.onward.continueTask(number, { agentId: agent === null ? null : agents.get(agent).id, words: prompt, fresh }, caller);
    const run = answer.wake.runId === null ? null : supervisor.findById(answer.wake.runId);
    const busyWith = run === null ? (world.wakes.busyWith(number, '')?.number ?? null) : null;
    return reply.code(201).send({
      schema: 1,
      task: view(tasks.get(number)),
      wake: viewOfWake(answer.wake, nameOf),
      run: run === null ? null : world.show.show(run),
      busyWith,
    });
  });

  api.post('/v1/tasks/:task/comments', largeBody, (request, reply) => {
    const { number } = one(request.params);
    const comment = tasks.comment(number, { text: read(commentRequest, request.body).text, key: null }, callerOf(request, world));
    if (comment === null) throw new Error('a comment without a key was known already');
    return reply.code(201).send({ schema: 1, comment: viewOfComment(comment) });
  });

  api.get('/v1/tasks/:task/documents', (request) => {
    const { number } = one(request.params);
    return { schema: 1, task: number, documents: store.documents.list(number, read(documentsQuery, request.query).system).map(viewOfHead) };
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
    const document = tasks.putDocument(number, { key, ...read(documentRequest, request.body) }, callerOf(request, world));
    return { schema: 1, task: number, document: viewOfDocument(document) };
  });
};
