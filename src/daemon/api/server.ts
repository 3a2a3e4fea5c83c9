/** The API: HTTP over the Unix socket. Each request is parsed once, and errors have one shape. */
import { chmodSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { cutText, jsonText } from '#run/cut-text.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { answerError, refusalOfHttp } from './api-errors.ts';
import { identifyPeer } from './auth.ts';
import { BodyReader } from './body-reader.ts';
import { Connections } from './connections.ts';
import type { ApiContext, Routes } from './context.ts';
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
import { taskTextRoutes } from './routes/task-texts.ts';
import { taskRoutes } from './routes/tasks.ts';
import { waitRoutes } from './routes/wait.ts';
import { createShow, type Show } from './run-view.ts';

const inactiveMs = 30_000;
const headersMs = 10_000;
const idleMs = 60_000;

/**
 * Routes for which it matters whether a person or an agent sends a request, beside those that only read. The URL itself
 * can be written in several ways.
 */
const guardedRoutes = /^\/v1\/(tasks|agents|batch|queue|runs\/:run\/acknowledge)\b/;

const allRoutes: readonly Routes[] = [
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
  taskTextRoutes,
  ledgerRoutes,
];

/** Starts the API. It is listening when this resolves. Throws if its socket cannot be made. */
export async function startApi(deps: ApiContext): Promise<Api> {
  const api = new Api(deps);
  await api.publish();
  return api;
}

export class Api {
  readonly #deps: ApiContext;
  readonly #show: Show;
  readonly #connections: Connections;
  readonly #bodies: BodyReader;
  /** One server for each time that the socket was published. */
  #servers: FastifyInstance[] = [];

  constructor(deps: ApiContext) {
    this.#deps = deps;
    this.#show = createShow(deps);
    this.#connections = new Connections({ now: deps.now, refusal: refusalOfHttp('busy', deps.version) });
    this.#bodies = new BodyReader(deps.now);
  }

  /**
   * Publishes the socket atomically: binds it under a temporary name, restricts its mode, then renames it. Throws if
   * there is a folder in its place.
   */
  async publish(): Promise<void> {
    const { socket } = this.#deps.home;
    if (lstatSync(socket, { throwIfNoEntry: false })?.isDirectory()) {
      throw new ClipError(
        'home_unusable',
        `The socket ${socket} cannot be made: a folder is in its place.`,
        'Move that folder away.',
      );
    }
    const server = this.#build();
    const temporary = `${socket}.${process.pid % 10_000}`;
    rmSync(temporary, { force: true });
    await server.listen({ path: temporary });
    chmodSync(temporary, 0o600);
    renameSync(temporary, socket);
    this.#servers.push(server);
  }

  /** Ends all streams and connections, and removes the socket. */
  async close(): Promise<void> {
    const { socket } = this.#deps.home;
    const inode = statSync(socket, { throwIfNoEntry: false })?.ino;
    closeStreams();
    const closing = this.#servers;
    this.#servers = [];
    await Promise.all(closing.map((server) => server.close()));
    // Removes only its own socket, because a successor may have published another one.
    if (inode !== undefined && statSync(socket, { throwIfNoEntry: false })?.ino === inode)
      rmSync(socket, { force: true });
  }

  #build(): FastifyInstance {
    const server = createServer(this.#deps);
    this.#connections.attach(server);
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage) =>
      this.#bodies.read(payload, request.routeOptions.bodyLimit),
    );
    addHooks(server, this.#deps);
    addErrorHandlers(server, this.#deps);
    for (const routes of allRoutes) routes(server, { ...this.#deps, show: this.#show });
    return server;
  }
}

/** Zod validates; Fastify's own compilers would be a second schema, and the build leaves them out. */
const compilersFactory = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => jsonText,
} as unknown as NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

function createServer({ version, log }: ApiContext): FastifyInstance {
  const server = Fastify({
    bodyLimit: limits.bodyBytesMax,
    // A batch may take long, so there is no limit on the whole request. An inactive connection is dropped.
    requestTimeout: 0,
    connectionTimeout: inactiveMs,
    keepAliveTimeout: idleMs,
    http: { headersTimeout: headersMs, connectionsCheckingInterval: 5_000, maxHeaderSize: limits.headerBytesMax },
    // The schemas refuse parameters that are too long, with clip's own messages.
    routerOptions: { maxParamLength: limits.headerBytesMax, querystringParser: parseQuery },
    schemaController: { compilersFactory },
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
      else socket.end(refusalOfHttp(error.code, version));
    },
    // Malformed URLs never reach a route.
    frameworkErrors: (error, _request, reply) => answerError(log, error, reply.header('clip-version', version)),
  });
  return server;
}

function addHooks(server: FastifyInstance, deps: ApiContext): void {
  server.addHook('onRequest', async (_request, reply) => {
    reply.header('clip-version', deps.version);
  });
  server.addHook('preHandler', async (request) => {
    if (request.method !== 'GET' && guardedRoutes.test(request.routeOptions.url ?? ''))
      await identifyPeer(request, deps);
  });
}

function addErrorHandlers(server: FastifyInstance, { diskGuard, log }: ApiContext): void {
  server.setErrorHandler((error, _request, reply) => {
    diskGuard.note(error);
    answerError(log, error as FastifyError, reply);
  });
  server.setNotFoundHandler(({ method, url }, reply) => {
    const sentence = `There is no ${method} ${cutText(url, 200)}.`;
    answerError(log, new ClipError('not_found', sentence, 'See /v1/openapi.json.'), reply);
  });
}

/**
 * Parses a query string. Repeated names become lists, and values stay text until zod parses them. A map avoids names
 * that every object has.
 */
function parseQuery(text: string): Record<string, string | string[]> {
  const query = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query.get(name);
    if (Array.isArray(before)) before.push(value);
    else query.set(name, before === undefined ? value : [before, value]);
  }
  return Object.fromEntries(query);
}
