/** Who asks: a person, or an agent inside a run of ours, which proves it with the token that its run was given. */
import type { FastifyRequest } from 'fastify';
import { ClipError } from '../../run/errors.ts';
import { isEnded } from '../../run/run.ts';
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
  return run.spec.agent === null ? { kind: 'person' } : { kind: 'agent', name: run.spec.agent.name, run: run.number, runId };
}
