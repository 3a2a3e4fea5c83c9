/** `/v1/tasks/:task/comments` and `/v1/tasks/:task/documents`: the texts that belong to a task. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { viewOfComment, viewOfDocument, viewOfHead } from '#protocol/task-views.ts';
import {
  commentRequest,
  documentParams,
  documentQuery,
  documentRequest,
  documentsQuery,
  taskParams,
} from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { read } from '../api-errors.ts';
import { authenticate } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';

const largeBody = { bodyLimit: 4 * limits.bodyBytesMax };

export const taskTextRoutes: Routes = (api, deps) => {
  api.post('/v1/tasks/:task/comments', largeBody, (request, reply) => addComment(deps, request, reply));
  api.get('/v1/tasks/:task/documents', (request) => listDocuments(deps, request));
  api.get('/v1/tasks/:task/documents/:key', (request) => showDocument(deps, request));
  api.put('/v1/tasks/:task/documents/:key', largeBody, (request) => putDocument(deps, request));
};

function addComment(deps: RouteDeps, request: FastifyRequest, reply: FastifyReply) {
  const { number } = deps.tasks.get(read(taskParams, request.params).task);
  const { text } = read(commentRequest, request.body);
  const caller = authenticate(request, deps);
  const comment = deps.supervisor.transaction((tx) => deps.tasks.comment(tx, number, { text, key: null }, caller));
  if (comment === null) throw new Error('a comment without a key was known already');
  return reply.code(201).send({ schema: 1, comment: viewOfComment(comment) });
}

function listDocuments({ store, tasks }: RouteDeps, { params, query }: FastifyRequest) {
  const { number } = tasks.get(read(taskParams, params).task);
  const heads = store.documents.list(number, read(documentsQuery, query).system);
  return { schema: 1, task: number, documents: heads.map(viewOfHead) };
}

function showDocument({ store, tasks }: RouteDeps, { params, query }: FastifyRequest) {
  const { task: number, key } = read(documentParams, params);
  tasks.get(number);
  const { revision } = read(documentQuery, query);
  const document = store.documents.get(number, key, revision ?? null);
  if (document) return { schema: 1, task: number, document: viewOfDocument(document) };
  const which = revision === undefined ? `no document ${key}` : `no revision ${revision} of document ${key}`;
  throw new ClipError('not_found', `T${number} has ${which}.`, `clip task doc list T${number} shows what there is.`);
}

function putDocument(deps: RouteDeps, request: FastifyRequest) {
  const { task: number, key } = read(documentParams, request.params);
  const put = { key, ...read(documentRequest, request.body) };
  const caller = authenticate(request, deps);
  const document = deps.supervisor.transaction((tx) => deps.tasks.putDocument(tx, number, put, caller));
  return { schema: 1, task: number, document: viewOfDocument(document) };
}
