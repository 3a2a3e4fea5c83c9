/**
 * Generates the OpenAPI document from the schemas that validate requests. The build writes it, and the daemon serves it
 * as a file.
 */
import type { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import * as agents from '#protocol/agents.ts';
import * as answers from '#protocol/answers.ts';
import { boardLine } from '#protocol/board.ts';
import * as requests from '#protocol/requests.ts';
import * as tasks from '#protocol/tasks.ts';

type Ask = { readonly body?: z.ZodType; readonly query?: z.ZodObject; readonly path?: z.ZodObject };

const error = {
  description: 'An error: a code, a sentence, and what to do now.',
  content: { 'application/json': { schema: answers.errorAnswer } },
};

function operation(summary: string, ask: Ask, answer: z.ZodType, type = 'application/json'): ZodOpenApiOperationObject {
  return {
    summary,
    requestParams: { ...(ask.query ? { query: ask.query } : {}), ...(ask.path ? { path: ask.path } : {}) },
    ...(ask.body ? { requestBody: { content: { 'application/json': { schema: ask.body } } } } : {}),
    responses: { 200: { description: 'Done.', content: { [type]: { schema: answer } } }, default: error },
  };
}

const lines = 'application/x-ndjson';
const run = requests.refParams;
const paths: ZodOpenApiPathsObject = {
  '/v1/runs': {
    get: operation('List runs, newest first.', { query: requests.runsQuery }, answers.runsAnswer),
    post: operation('Admit a run. From the answer on it is on disk.', { body: requests.runRequest }, answers.runAnswer),
  },
  '/v1/batch': {
    post: operation(
      'Admit many runs: JSON lines in, a JSON line each out.',
      { body: requests.runRequest },
      answers.batchLine,
      lines,
    ),
  },
  '/v1/runs/{run}': {
    get: operation('Everything about one run, with its history.', { path: run }, answers.showAnswer),
    delete: operation('Remove an ended run; its number stays taken.', { path: run }, answers.removedAnswer),
  },
  '/v1/prune': {
    post: operation(
      'Deletes ended runs with their logs; their numbers stay taken.',
      { body: requests.pruneRequest },
      answers.pruneAnswer,
    ),
  },
  '/v1/runs/{run}/retry': {
    post: operation('A new run of the same spec.', { path: run, body: requests.retryRequest }, answers.runAnswer),
  },
  '/v1/runs/{run}/reports': {
    post: operation(
      'What a run says of itself, with its own token.',
      { path: run, body: requests.reportRequest },
      answers.reportAnswer,
    ),
  },
  '/v1/runs/{run}/mapping': {
    get: operation('How the stream of a mapped agent is read.', { path: run }, answers.mappingAnswer),
  },
  '/v1/runs/{run}/acknowledge': {
    post: operation(
      'A person has seen or dismissed what a run needs.',
      { path: run, body: requests.acknowledgeRequest },
      answers.runAnswer,
    ),
  },
  '/v1/runs/{run}/logs': {
    get: operation(
      'The bytes of one stream from an offset on; with follow, JSON lines.',
      { path: run, query: requests.logsQuery },
      answers.logLine,
      lines,
    ),
  },
  '/v1/wait': {
    get: operation('A line for each run as it gets there.', { query: requests.waitQuery }, answers.waitLine, lines),
  },
  '/v1/cancel': {
    post: operation(
      'Order runs to stop, with everything they started.',
      { body: requests.cancelRequest },
      answers.cancelAnswer,
    ),
  },
  '/v1/events': {
    get: operation(
      'What happened, from a sequence number on.',
      { query: requests.eventsQuery },
      answers.eventView,
      lines,
    ),
  },
  '/v1/agents': { get: operation('List agents.', {}, agents.agentsAnswer) },
  '/v1/agents/{agent}': {
    get: operation('One agent.', { path: agents.agentParams }, agents.agentAnswer),
    put: operation('Add an agent.', { path: agents.agentParams, body: agents.agentRequest }, agents.agentAnswer),
    patch: operation(
      'Change an agent; what is not given stays.',
      { path: agents.agentParams, body: agents.agentRequest },
      agents.agentAnswer,
    ),
    delete: operation('Remove an agent; its runs stay.', { path: agents.agentParams }, agents.agentAnswer),
  },
  '/v1/agents/{agent}/pause': {
    post: operation(
      'Pause or resume an agent.',
      { path: agents.agentParams, body: agents.pauseRequest },
      agents.pausedAnswer,
    ),
  },
  '/v1/agents/{agent}/check': {
    post: operation(
      'Look for the program of an agent, and its version.',
      { path: agents.agentParams, body: agents.checkRequest },
      agents.checkAnswer,
    ),
  },
  '/v1/tasks': {
    get: operation('List tasks, newest first.', { query: tasks.tasksQuery }, tasks.tasksAnswer),
    post: operation(
      'A new task. One that is assigned to an agent wakes it.',
      { body: tasks.newTaskRequest },
      tasks.taskAnswer,
    ),
  },
  '/v1/tasks/{task}': {
    get: operation('Everything about one task.', { path: tasks.taskParams }, tasks.taskShowAnswer),
    patch: operation(
      'Change what a task says; what is not given stays.',
      { path: tasks.taskParams, body: tasks.editTaskRequest },
      tasks.taskAnswer,
    ),
  },
  '/v1/tasks/{task}/move': {
    post: operation(
      'Start, finish, block, cancel, reopen or assign a task.',
      { path: tasks.taskParams, body: tasks.moveRequest },
      tasks.taskAnswer,
    ),
  },
  '/v1/tasks/{task}/dismiss': {
    post: operation('Take a task off the list of what needs a person.', { path: tasks.taskParams }, tasks.taskAnswer),
  },
  '/v1/tasks/{task}/continue': {
    post: operation(
      'Start the next run of a task by hand.',
      { path: tasks.taskParams, body: tasks.continueRequest },
      tasks.continueAnswer,
    ),
  },
  '/v1/tasks/{task}/comments': {
    post: operation(
      'Say something on a task.',
      { path: tasks.taskParams, body: tasks.commentRequest },
      tasks.commentAnswer,
    ),
  },
  '/v1/tasks/{task}/documents': {
    get: operation(
      'The documents of a task.',
      { path: tasks.taskParams, query: tasks.documentsQuery },
      tasks.documentsAnswer,
    ),
  },
  '/v1/tasks/{task}/documents/{key}': {
    get: operation(
      'One document, the latest revision or another.',
      { path: tasks.documentParams, query: tasks.documentQuery },
      tasks.documentAnswer,
    ),
    put: operation(
      'A new revision of a document.',
      { path: tasks.documentParams, body: tasks.documentRequest },
      tasks.documentAnswer,
    ),
  },
  '/v1/tasks/{task}/handoff': {
    get: operation(
      'The continuation summary of a task.',
      { path: tasks.taskParams, query: tasks.handoffQuery },
      tasks.handoffAnswer,
    ),
  },
  '/v1/ledger': {
    get: operation('The account of runs, newest first, with totals.', { query: tasks.ledgerQuery }, tasks.ledgerAnswer),
  },
  '/v1/groups': { get: operation('List groups.', {}, answers.groupsAnswer) },
  '/v1/groups/{group}': {
    put: operation(
      'Set a limit, pause or resume.',
      { path: requests.groupParams, body: requests.groupRequest },
      answers.groupAnswer,
    ),
  },
  '/v1/queue': {
    get: operation('The queue.', {}, answers.queueAnswer),
    put: operation('Hold or release the queue.', { body: requests.queueRequest }, answers.queueAnswer),
  },
  '/v1/status': { get: operation('Daemon, queue and live runs.', {}, answers.statusAnswer) },
  '/v1/board': { get: operation('What the dashboard shows: whole at first, then what changes.', {}, boardLine, lines) },
  '/v1/daemon': { get: operation('The daemon itself.', {}, answers.daemonAnswer) },
  '/v1/keepers': {
    post: operation(
      'Whether the client is to start a keeper, for its runs to have its own limits.',
      { body: requests.keeperRequest },
      answers.keeperWantedAnswer,
    ),
  },
  '/v1/daemon/stop': {
    post: operation(
      'Stop the daemon; runs live on unless told otherwise.',
      { body: requests.stopDaemonRequest },
      answers.stoppedAnswer,
    ),
  },
};

export function openApiDocument(version: string): object {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'clip',
      version,
      description: 'The local API of clip, over a Unix socket. Times are RFC 3339 UTC; unknown is null.',
    },
    servers: [{ url: 'http://clip' }],
    paths,
  });
}
