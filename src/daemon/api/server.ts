/** The API: HTTP over the Unix socket. Requests are parsed once, here at the border; errors leave in one shape. */
import { chmodSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';
import { agentRoutes } from './agents.ts';
import { batchRoutes } from './batch.ts';
import { boardRoutes } from './board.ts';
import { createBodies } from './bodies.ts';
import { answerError, refusalOfHttp } from './border.ts';
import { createCrowd } from './crowd.ts';
import { daemonRoutes } from './daemon.ts';
import { eventRoutes } from './events.ts';
import { groupRoutes } from './groups.ts';
import { ledgerRoutes } from './ledger.ts';
import { logRoutes } from './logs.ts';
import { reportRoutes } from './reports.ts';
import { runRoutes } from './runs.ts';
import { createShow } from './show.ts';
import { closeStreams } from './stream.ts';
import { taskRoutes } from './tasks.ts';
import { waitRoutes } from './wait.ts';
import type { World } from './world.ts';

const inactiveMs = 30_000;
const headersMs = 10_000;
const idleMs = 60_000;

/** Listens when it returns. */
export async function createApi(world: World): Promise<{ publish: () => Promise<void>; close: () => Promise<void> }> {
  const show = createShow(world);
  let apis: FastifyInstance[] = [];
  const crowd = createCrowd({ now: world.now, refusal: refusalOfHttp('busy', world.version) });
  const bodies = createBodies(world.now);

  function build(): FastifyInstance {
    const api = Fastify({
      bodyLimit: limits.bodyBytesMax,
      // No limit on a whole request, for a batch may take its time; a connection on which nothing moves is dropped.
      requestTimeout: 0,
      connectionTimeout: inactiveMs,
      keepAliveTimeout: idleMs,
      http: { headersTimeout: headersMs, connectionsCheckingInterval: 5_000, maxHeaderSize: limits.headerBytesMax },
      // What is too long is refused by its schema, in our words.
      routerOptions: { maxParamLength: limits.headerBytesMax, querystringParser: parseQuery },
      // Zod is the one schema; Fastify's own compilers would be a second.
      exposeHeadRoutes: false,
      clientErrorHandler: (error, socket) => {
        if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
        else socket.end(refusalOfHttp(error.code, world.version));
      },
      // Addresses that cannot be read never come to a route.
      frameworkErrors: (error, _request, reply) => answerError(world.log, error, reply.header('clip-version', world.version)),
    });
    api.setValidatorCompiler(() => () => true);
    api.setSerializerCompiler(() => (value) => JSON.stringify(value));
    crowd.attach(api);
    api.removeAllContentTypeParsers();
    api.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage) => bodies.read(payload, request.routeOptions.bodyLimit));
    api.addHook('onRequest', async (_request, reply) => {
      reply.header('clip-version', world.version);
    });
    api.setErrorHandler((error, _request, reply) => {
      world.room.note(error);
      answerError(world.log, error as FastifyError, reply);
    });
    api.setNotFoundHandler((request, reply) =>
      answerError(world.log, new ClipError('not_found', `There is no ${request.method} ${request.url.slice(0, 200)}.`, 'See /v1/openapi.json.'), reply),
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
      routes(api, { ...world, show });
    return api;
  }

  /** Bound under a temporary name, closed to others, then put in place: it is never there half ready. */
  async function publish(): Promise<void> {
    if (lstatSync(world.home.socket, { throwIfNoEntry: false })?.isDirectory()) {
      throw new ClipError('home_unusable', `The socket ${world.home.socket} cannot be made: a folder is in its place.`, 'Move that folder away.');
    }
    const api = build();
    const temporary = `${world.home.socket}.${process.pid % 10_000}`;
    rmSync(temporary, { force: true });
    await api.listen({ path: temporary });
    chmodSync(temporary, 0o600);
    renameSync(temporary, world.home.socket);
    apis.push(api);
  }

  await publish();
  return {
    publish,
    async close(): Promise<void> {
      const inode = statSync(world.home.socket, { throwIfNoEntry: false })?.ino;
      closeStreams();
      const closing = apis;
      apis = [];
      await Promise.all(closing.map((api) => api.close()));
      // Only our own socket: a successor may have published its own.
      if (inode !== undefined && statSync(world.home.socket, { throwIfNoEntry: false })?.ino === inode) rmSync(world.home.socket, { force: true });
    },
  };
}

/** Repeated names become lists; everything stays text until zod has read it. No name is taken for one that every object has. */
function parseQuery(text: string): Record<string, string | string[]> {
  const query = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query.get(name);
    if (Array.isArray(before)) before.push(value);
    else query.set(name, before === undefined ? value : [before, value]);
  }
  return Object.fromEntries(query);
}
