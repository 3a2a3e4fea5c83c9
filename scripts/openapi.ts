/**
 * Generates the OpenAPI document from the schemas that validate requests. The build writes it, and the daemon serves it
 * as a file.
 */
import type { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import * as agents from '#protocol/agents.ts';
import * as answers from '#protocol/answers.ts';
import { boardLine } from '#protocol/board.ts';
import { queueAnswer } from '#protocol/queue.ts';
import * as requests from '#protocol/requests.ts';
import { batchLine, logLine, waitLine } from '#protocol/stream-lines.ts';
import * as tasks from '#protocol/tasks.ts';

/** What a route takes. `type`: the media type of its answer, JSON if it is left out. */
type Ask = {
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly path?: z.ZodObject;
  readonly type?: string;
};

const json = 'application/json';
const lines = 'application/x-ndjson';

const error = {
  description: 'An error: a code, a sentence, and what to do now.',
  content: { [json]: { schema: answers.errorAnswer } },
};

const run = { path: requests.refParams };
const agent = { path: agents.agentParams };
const task = { path: tasks.taskParams };
const document = { path: tasks.documentParams };

const routes: readonly Route[] = [
  route('get /v1/runs', 'List runs, newest first.', answers.runsAnswer, { query: requests.runsQuery }),
  route('post /v1/runs', 'Admit a run. From the answer on it is on disk.', answers.runAnswer, {
    body: requests.runRequest,
  }),
  route('post /v1/batch', 'Admit many runs: JSON lines in, a JSON line each out.', batchLine, {
    body: requests.runRequest,
    type: lines,
  }),
  route('get /v1/runs/{run}', 'Everything about one run, with its history.', answers.showAnswer, run),
  route('delete /v1/runs/{run}', 'Remove an ended run; its number stays taken.', answers.removedAnswer, run),
  route('post /v1/prune', 'Deletes ended runs with their logs; their numbers stay taken.', answers.pruneAnswer, {
    body: requests.pruneRequest,
  }),
  route('post /v1/runs/{run}/retry', 'A new run of the same spec.', answers.runAnswer, {
    ...run,
    body: requests.retryRequest,
  }),
  route('post /v1/runs/{run}/reports', 'What a run says of itself, with its own token.', answers.reportAnswer, {
    ...run,
    body: requests.reportRequest,
  }),
  route('get /v1/runs/{run}/mapping', 'How the stream of a mapped agent is read.', answers.mappingAnswer, run),
  route('post /v1/runs/{run}/acknowledge', 'A person has seen or dismissed what a run needs.', answers.runAnswer, {
    ...run,
    body: requests.acknowledgeRequest,
  }),
  route('get /v1/runs/{run}/logs', 'The bytes of one stream from an offset on; with follow, JSON lines.', logLine, {
    ...run,
    query: requests.logsQuery,
    type: lines,
  }),
  route('get /v1/wait', 'A line for each run as it gets there.', waitLine, {
    query: requests.waitQuery,
    type: lines,
  }),
  route('post /v1/cancel', 'Order runs to stop, with everything they started.', answers.cancelAnswer, {
    body: requests.cancelRequest,
  }),
  route('get /v1/events', 'What happened, from a sequence number on.', answers.eventView, {
    query: requests.eventsQuery,
    type: lines,
  }),
  route('get /v1/agents', 'List agents.', agents.agentsAnswer),
  route('get /v1/agents/{agent}', 'One agent.', agents.agentAnswer, agent),
  route('put /v1/agents/{agent}', 'Add an agent.', agents.agentAnswer, { ...agent, body: agents.agentRequest }),
  route('patch /v1/agents/{agent}', 'Change an agent; what is not given stays.', agents.agentAnswer, {
    ...agent,
    body: agents.agentRequest,
  }),
  route('delete /v1/agents/{agent}', 'Remove an agent; its runs stay.', agents.agentAnswer, agent),
  route('post /v1/agents/{agent}/pause', 'Pause or resume an agent.', agents.pausedAnswer, {
    ...agent,
    body: agents.pauseRequest,
  }),
  route('post /v1/agents/{agent}/check', 'Look for the program of an agent, and its version.', agents.checkAnswer, {
    ...agent,
    body: agents.checkRequest,
  }),
  route('get /v1/tasks', 'List tasks, newest first.', tasks.tasksAnswer, { query: tasks.tasksQuery }),
  route('post /v1/tasks', 'A new task. One that is assigned to an agent wakes it.', tasks.taskAnswer, {
    body: tasks.newTaskRequest,
  }),
  route('get /v1/tasks/{task}', 'Everything about one task.', tasks.taskShowAnswer, task),
  route('patch /v1/tasks/{task}', 'Change what a task says; what is not given stays.', tasks.taskAnswer, {
    ...task,
    body: tasks.editTaskRequest,
  }),
  route('post /v1/tasks/{task}/move', 'Start, finish, block, cancel, reopen or assign a task.', tasks.taskAnswer, {
    ...task,
    body: tasks.moveRequest,
  }),
  route('post /v1/tasks/{task}/dismiss', 'Take a task off the list of what needs a person.', tasks.taskAnswer, task),
  route('post /v1/tasks/{task}/continue', 'Start the next run of a task by hand.', tasks.continueAnswer, {
    ...task,
    body: tasks.continueRequest,
  }),
  route('post /v1/tasks/{task}/comments', 'Say something on a task.', tasks.commentAnswer, {
    ...task,
    body: tasks.commentRequest,
  }),
  route('get /v1/tasks/{task}/documents', 'The documents of a task.', tasks.documentsAnswer, {
    ...task,
    query: tasks.documentsQuery,
  }),
  route('get /v1/tasks/{task}/documents/{key}', 'One document, the latest revision or another.', tasks.documentAnswer, {
    ...document,
    query: tasks.documentQuery,
  }),
  route('put /v1/tasks/{task}/documents/{key}', 'A new revision of a document.', tasks.documentAnswer, {
    ...document,
    body: tasks.documentRequest,
  }),
  route('get /v1/tasks/{task}/handoff', 'The continuation summary of a task.', tasks.handoffAnswer, {
    ...task,
    query: tasks.handoffQuery,
  }),
  route('get /v1/ledger', 'The account of runs, newest first, with totals.', tasks.ledgerAnswer, {
    query: tasks.ledgerQuery,
  }),
  route('get /v1/groups', 'List groups.', answers.groupsAnswer),
  route('put /v1/groups/{group}', 'Set a limit, pause or resume.', answers.groupAnswer, {
    path: requests.groupParams,
    body: requests.groupRequest,
  }),
  route('delete /v1/groups/{group}', 'Remove a group.', answers.groupAnswer, { path: requests.groupParams }),
  route('get /v1/queue', 'The queue.', queueAnswer),
  route('put /v1/queue', 'Hold or release the queue.', queueAnswer, { body: requests.queueRequest }),
  route('get /v1/status', 'Daemon, queue and live runs.', answers.statusAnswer),
  route('get /v1/board', 'What the dashboard shows: whole at first, then what changes.', boardLine, { type: lines }),
  route('get /v1/daemon', 'The daemon itself.', answers.daemonAnswer),
  route(
    'post /v1/keepers',
    'Whether the client is to start a keeper, for its runs to have its own limits.',
    answers.keeperWantedAnswer,
    { body: requests.keeperRequest },
  ),
  route('post /v1/daemon/stop', 'Stop the daemon; runs live on unless told otherwise.', answers.stoppedAnswer, {
    body: requests.stopDaemonRequest,
  }),
];

type Route = { readonly method: string; readonly path: string; readonly operation: ZodOpenApiOperationObject };

/** Returns a route. `name`: its method and path. */
function route(name: string, summary: string, answer: z.ZodType, ask: Ask = {}): Route {
  const [method = '', path = ''] = name.split(' ');
  const { body, query, path: params, type = json } = ask;
  const operation = {
    summary,
    requestParams: { ...(query && { query }), ...(params && { path: params }) },
    ...(body && { requestBody: { content: { [json]: { schema: body } } } }),
    responses: { 200: { description: 'Done.', content: { [type]: { schema: answer } } }, default: error },
  };
  return { method, path, operation };
}

function buildPaths(): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const { method, path, operation } of routes) paths[path] = { ...paths[path], [method]: operation };
  return paths;
}

/** Returns the document for this version of clip. */
export function openApiDocument(version: string): object {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'clip',
      version,
      description: 'The local API of clip, over a Unix socket. Times are RFC 3339 UTC; unknown is null.',
    },
    servers: [{ url: 'http://clip' }],
    paths: buildPaths(),
  });
}
