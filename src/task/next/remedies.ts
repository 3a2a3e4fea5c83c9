/** Ends that only a person can do something about, and what that is. */
import type { EndedRun } from './decision.ts';

export type Remedy = { readonly reason: string; readonly blockedReason: string; readonly next: string };

/** Null for an end that has another remedy. Error texts in it are quoted as they are: redact them before they are stored. */
export function remedyFor(run: EndedRun, agent: string, task: number): Remedy | null {
  const said = run.error === null ? '' : ` It said: ${short(run.error)}`;
  const goOn = `clip continue T${task}`;
  switch (run.errorCode) {
    case 'auth_required':
      return {
        reason: 'The agent is not logged in.',
        blockedReason: `Agent ${agent} is not logged in.${said}`,
        next: `Log in with its own command, then: ${goOn}`,
      };
    case 'quota_exhausted': {
      const next = `Raise it, then: ${goOn}; or give the task to another agent: ${goOn} --agent NAME`;
      return { reason: 'The quota of its provider is used up.', blockedReason: `The quota of agent ${agent} is used up.${said}`, next };
    }
    case 'permission_denied': {
      const next = `Allow more (clip agent edit ${agent} --permission edit), then: ${goOn}`;
      return { reason: 'It was not allowed to do its work.', blockedReason: `Agent ${agent} may not do what the task needs.${said}`, next };
    }
  }
  if (run.liveness?.state !== 'blocked') return null;
  return { reason: 'It is blocked.', blockedReason: short(run.liveness.reason), next: `Answer it: ${goOn} "…"` };
}

const quotedLength = 300;

function short(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length <= quotedLength ? line : `${line.slice(0, quotedLength - 1).trimEnd()}…`;
}
