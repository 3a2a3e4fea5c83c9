/** The API: HTTP over the Unix socket. Each request is parsed once, and errors have one shape. */
import { chmodSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import { cutText, jsonText } from '#run/cut-text.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { identifyPeer } from './auth.ts';
import { createBodies } from './body-reader.ts';
import { createConnections } from './connections.ts';
import type { ApiContext } from './context.ts';
import { answerError, refusalOfHttp } from './errors.ts';
import { closeStreams } from './ndjson-stream.ts';
import { agentRoutes } from './routes/agents.ts';
import { batchRoutes } from './routes/batch.ts';
import { boardRoutes } from './routes/board.ts';
import { daemonRoutes } from './routes/daemon.ts';
import { eventRoutes } from './routes/events.ts';
import { groupRoutes } from './routes/groups.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { logRoutes } from './routes/logs.ts';
import { reportRoutes } from './routes/reports.ts';
import { runRoutes } from './routes/runs.ts';
import { taskRoutes } from './routes/tasks.ts';
import { waitRoutes } from './routes/wait.ts';
import { createShow } from './run-view.ts';

const inactiveMs = 30_000;
const headersMs = 10_000;
const idleMs = 60_000;

/** Starts the API. It is listening when this resolves. */
export async function createApi(
  deps: ApiContext,
): Promise<{ publish: () => Promise<void>; close: () => Promise<void> }> {
  const show = createShow(deps);
  let apis: FastifyInstance[] = [];
  const crowd = createConnections({ now: deps.now, refusal: refusalOfHttp('busy', deps.version) });
  const bodies = createBodies(deps.now);

  function build(): FastifyInstance {
    const api = Fastify({
      bodyLimit: limits.bodyBytesMax,
      // A batch may take long, so there is no limit on the whole request. An inactive connection is dropped.
      requestTimeout: 0,
      connectionTimeout: inactiveMs,
      keepAliveTimeout: idleMs,
      http: { headersTimeout: headersMs, connectionsCheckingInterval: 5_000, maxHeaderSize: limits.headerBytesMax },
      // The schemas refuse parameters that are too long, with clip's own messages.
      routerOptions: { maxParamLength: limits.headerBytesMax, querystringParser: parseQuery },
      // Zod validates; Fastify's own compilers would be a second schema.
      exposeHeadRoutes: false,
      clientErrorHandler: (error, socket) => {
        if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
        else socket.end(refusalOfHttp(error.code, deps.version));
      },
      // Malformed URLs never reach a route.
      frameworkErrors: (error, _request, reply) =>
        answerError(deps.log, error, reply.header('clip-version', deps.version)),
    });
    api.setValidatorCompiler(() => () => true);
    api.setSerializerCompiler(() => (value) => jsonText(value));
    crowd.attach(api);
    api.removeAllContentTypeParsers();
    api.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage) =>
      bodies.read(payload, request.routeOptions.bodyLimit),
    );
    api.addHook('onRequest', async (_request, reply) => {
      reply.header('clip-version', deps.version);
    });
    api.addHook('preHandler', async (request) => {
      if (request.method !== 'GET' && /^\/v1\/(tasks|agents|runs\/[^/]+\/acknowledge)\b/.test(request.url))
        await identifyPeer(request, deps);
    });
    api.setErrorHandler((error, _request, reply) => {
      deps.diskGuard.note(error);
      answerError(deps.log, error as FastifyError, reply);
    });
    api.setNotFoundHandler((request, reply) =>
      answerError(
        deps.log,
        new ClipError(
          'not_found',
          `There is no ${request.method} ${cutText(request.url, 200)}.`,
          'See /v1/openapi.json.',
        ),
        reply,
      ),
    );
    for (const routes of [
      runRoutes,
      reportRoutes,
      agentRoutes,
      batchRoutes,
      waitRoutes,
      logRoutes,
      eventRoutes,
      groupRoutes,
      daemonRoutes,
      boardRoutes,
      taskRoutes,
      ledgerRoutes,
    ])
      routes(api, { ...deps, show });
    return api;
  }

  /** Publishes the socket atomically: binds it under a temporary name, restricts its mode, then renames it. */
  async function publish(): Promise<void> {
    if (lstatSync(deps.home.socket, { throwIfNoEntry: false })?.isDirectory()) {
      throw new ClipError(
        'home_unusable',
        `The socket ${deps.home.socket} cannot be made: a folder is in its place.`,
        'Move that folder away.',
      );
    }
    const api = build();
    const temporary = `${deps.home.socket}.${process.pid % 10_000}`;
    rmSync(temporary, { force: true });
    await api.listen({ path: temporary });
    chmodSync(temporary, 0o600);
    renameSync(temporary, deps.home.socket);
    apis.push(api);
  }

  await publish();
  return {
    publish,
    async close(): Promise<void> {
      const inode = statSync(deps.home.socket, { throwIfNoEntry: false })?.ino;
      closeStreams();
      const closing = apis;
      apis = [];
      await Promise.all(closing.map((api) => api.close()));
      // Removes only its own socket, because a successor may have published another one.
      if (inode !== undefined && statSync(deps.home.socket, { throwIfNoEntry: false })?.ino === inode)
        rmSync(deps.home.socket, { force: true });
    },
  };
}

/** Parses a query string. Repeated names become lists, and values stay text until zod parses them. A map avoids names that every object has. */
function parseQuery(text: string): Record<string, string | string[]> {
  const query = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query.get(name);
    if (Array.isArray(before)) before.push(value);
    else query.set(name, before === undefined ? value : [before, value]);
  }
  return Object.fromEntries(query);
}
