/** Who asks: a person, or an agent inside a run of ours, which proves it with the token that its run was given. */
import type { FastifyRequest } from 'fastify';
import { ClipError } from '../../run/errors.ts';
import { isEnded, type Run } from '../../run/run.ts';
import type { Actor } from '../../task/task.ts';
import type { World } from './world.ts';

export const runHeader = 'clip-run';
export const tokenHeader = 'clip-run-token';

/** Throws when the token is not that run's, or the run has ended. */
export function callerOf({ headers }: FastifyRequest, { supervisor, tokenFits }: Pick<World, 'supervisor' | 'tokenFits'>): Actor {
  const [runId, token] = [headers[runHeader], headers[tokenHeader]];
  if (typeof runId !== 'string') return { kind: 'person' };
  const run = supervisor.findById(runId);
  if (run === null) return { kind: 'person' };
  if (typeof token !== 'string' || !tokenFits(runId, token))
    throw new ClipError(
      'refused',
      `This is not run ${run.number}: its token is missing or wrong.`,
      'Inside a run, keep CLIP_RUN_ID and CLIP_RUN_TOKEN as they are.',
    );
  if (isEnded(run.state))
    throw new ClipError('refused', `Run ${run.number} has ended; what it left behind changes no task any more.`, 'Do it from outside of a run.');
  const agentRun = nearestOfAgent(run, supervisor);
  return agentRun === null ? { kind: 'person' } : { kind: 'agent', name: agentRun.name, run: agentRun.number, runId: agentRun.id };
}

/** Throws for an agent, in words that begin with what is for persons alone: nothing sets itself its own limits. */
export function personOnly(request: FastifyRequest, world: Pick<World, 'supervisor' | 'tokenFits'>, what: string): void {
  const caller = callerOf(request, world);
  if (caller.kind === 'agent')
    throw new ClipError('refused', `Only a person ${what}; this is run ${caller.run} of agent ${caller.name}.`, 'Say what is needed: clip report blocked "…"');
}

/** A command that an agent starts as a run of its own is the agent's doing. */
function nearestOfAgent(run: Run, { findById }: Pick<World['supervisor'], 'findById'>): { name: string; number: number; id: string } | null {
  for (let each: Run | null = run; each !== null; each = each.lineage.parentRunId === null ? null : findById(each.lineage.parentRunId)) {
    if (each.spec.agent !== null) return { name: each.spec.agent.name, number: each.number, id: each.id };
  }
  return null;
}
