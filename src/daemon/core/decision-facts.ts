/** What the log tells of a decision. */
import type { RunEvent } from '#run/events.ts';
import type { Run } from '#run/run.ts';
import type { Transition } from '#run/state-machine.ts';

/** Returns the fields of the log line for an event and what it has led to. */
export function decisionFacts({ number, state }: Run, event: RunEvent, decided: Transition): Record<string, unknown> {
  return { run: number, event: event.type, from: state.status, ...findOutcome(decided), ...findReason(event) };
}

/** Returns what an event has led to. */
function findOutcome(decided: Transition): object {
  if (decided.kind === 'refused') return { refused: decided.why };
  if (decided.kind !== 'moved') return { late: true };
  return { to: decided.state.status, effects: decided.effects.map(({ type }) => type) };
}

/** Returns the reason that an event carries. */
function findReason(event: RunEvent): { readonly reason?: string } {
  if (event.type === 'stop-requested') return { reason: event.order };
  if (event.type === 'step-done' && event.step === 'wake') return { reason: event.decision.reason };
  if (event.type === 'process-lost' || event.type === 'never-launched' || event.type === 'spawn-failed')
    return { reason: event.message };
  return {};
}
