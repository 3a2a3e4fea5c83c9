/** Identifies the caller: a person, or an agent inside a run, which authenticates with the token of its run. */
import type { FastifyRequest } from 'fastify';
import { comesFromRun, findPeer, listPids } from '#process/socket-peer.ts';
import { ClipError } from '#run/errors.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import type { Actor } from '#task/task.ts';
import type { ApiContext } from './context.ts';

export const runHeader = 'clip-run';
export const tokenHeader = 'clip-run-token';

type CallerWorld = Pick<ApiContext, 'supervisor' | 'tokens'>;

/** Runs of processes that sent a request without naming their run, by request. */
const runsOfPeers = new WeakMap<FastifyRequest, Run>();

/**
 * Determines whether a request that names no run of this home comes from a process of an agent's run. An agent that
 * drops or changes the mark in its environment must not pass for a person. Costs nothing while no agent runs.
 */
export async function identifyPeer(
  request: FastifyRequest,
  deps: Pick<ApiContext, 'supervisor' | 'scanner'>,
): Promise<void> {
  if (findNamedRun(request, deps) !== null) return;
  const runs = deps.supervisor
    .awake()
    .filter(({ state }) => isAlive(state))
    .filter((run) => ofAgent(run, deps.supervisor));
  if (runs.length === 0) return;
  const families = await Promise.all(
    runs.map(async (run) => ({
      run,
      ...(await deps.scanner.find(run.id, isAlive(run.state) ? run.state.leader : null)),
    })),
  );
  const found = families.map(({ run, members }) => ({ run, pids: members.map(({ pid }) => pid) }));
  // A process with the mark of another run is no member of these, so its ancestors are looked at.
  const isMarked = typeof request.headers[runHeader] === 'string';
  const peer = await findPeer(request.raw.socket, isMarked ? listPids() : found.flatMap(({ pids }) => pids));
  if (peer === null) return;
  const family = found.find(({ run, pids }) => (isMarked ? comesFromRun(peer, run.id, pids) : pids.includes(peer)));
  if (family !== undefined) runsOfPeers.set(request, family.run);
}

/** Returns the run that the request names. Null if it names none, or one of another home. */
function findNamedRun({ headers }: FastifyRequest, { supervisor }: Pick<ApiContext, 'supervisor'>): Run | null {
  const id = headers[runHeader];
  return typeof id === 'string' ? supervisor.findById(id) : null;
}

function ofAgent(run: Run, supervisor: CallerWorld['supervisor']): boolean {
  return nearestOfAgent(run, supervisor) !== null;
}

/** Returns the caller. Throws if the token is wrong, or if the run has ended. */
export function authenticate(request: FastifyRequest, { supervisor, tokens }: CallerWorld): Actor {
  const token = request.headers[tokenHeader];
  const run = findNamedRun(request, { supervisor });
  if (run === null) return toActor(runsOfPeers.get(request) ?? null, supervisor);
  if (typeof token !== 'string' || !tokens.isOf({ id: run.id }, token))
    throw new ClipError(
      'refused',
      `This is not run ${run.number}: its token is missing or wrong.`,
      'Inside a run, keep CLIP_RUN_ID and CLIP_RUN_TOKEN as they are.',
    );
  if (isEnded(run.state))
    throw new ClipError(
      'refused',
      `Run ${run.number} has ended; what it left behind changes no task any more.`,
      'Do it from outside of a run.',
    );
  return toActor(run, supervisor);
}

function toActor(run: Run | null, supervisor: CallerWorld['supervisor']): Actor {
  const agentRun = run === null ? null : nearestOfAgent(run, supervisor);
  return agentRun === null
    ? { kind: 'person' }
    : { kind: 'agent', name: agentRun.name, run: agentRun.number, runId: agentRun.id };
}

/**
 * Throws if the caller is an agent, because an agent must not change its own limits. `what` is the predicate of the
 * message.
 */
export function requirePerson(
  request: FastifyRequest,
  deps: Pick<ApiContext, 'supervisor' | 'tokens'>,
  what: string,
): void {
  const caller = authenticate(request, deps);
  if (caller.kind === 'agent')
    throw new ClipError(
      'refused',
      `Only a person ${what}; this is run ${caller.run} of agent ${caller.name}.`,
      'Say what is needed: clip report blocked "…"',
    );
}

/** Returns the nearest ancestor run of an agent. A command that an agent starts as a run is attributed to the agent. */
function nearestOfAgent(
  run: Run,
  supervisor: Pick<ApiContext['supervisor'], 'findById'>,
): { name: string; number: number; id: string } | null {
  for (
    let each: Run | null = run;
    each !== null;
    each = each.lineage.parentRunId === null ? null : supervisor.findById(each.lineage.parentRunId)
  ) {
    if (each.spec.agent !== null) return { name: each.spec.agent.name, number: each.number, id: each.id };
  }
  return null;
}
