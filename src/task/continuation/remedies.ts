/** Ends that only a person can fix, and the remedy for each. */

import type { Permission } from '#run/agent.ts';
import { cutText } from '#run/cut-text.ts';
import { isClipsSentence } from '#run/error-author.ts';
import type { EndedRun } from './decision.ts';

/** The fields of an end that a remedy depends on. */
export type EndedForRemedy = Pick<EndedRun, 'error' | 'errorCode' | 'liveness' | 'stopReason' | 'permission'>;
/** How work resumes after the remedy. `task`: null for a run without one. */
export type Onward = { readonly goOn: string; readonly task: number | null };
export type Remedy = { readonly reason: string; readonly blockedReason: string; readonly next: string };

/**
 * Returns the remedy for an end, or null when it has none here. Error texts are quoted verbatim, so redact them before
 * they are stored. `goOn`: the command that starts the next run, `clip continue T7` or `clip retry 12`.
 */
export function remedyFor(run: EndedForRemedy, agent: string, { goOn, task }: Onward): Remedy | null {
  const said =
    run.error === null ? '' : ` ${isClipsSentence(run.stopReason, run.error) ? '' : 'It said: '}${short(run.error)}`;
  switch (run.errorCode) {
    case 'auth_required':
      return {
        reason: 'The agent is not logged in.',
        blockedReason: `Agent ${agent} is not logged in.${said}`,
        next: `Log in with its own command, then: ${goOn}`,
      };
    case 'quota_exhausted': {
      const another = task === null ? '' : `; or give the task to another agent: ${goOn} --agent NAME`;
      const next = `Raise it, then: ${goOn}${another}`;
      return {
        reason: 'The quota of its provider is used up.',
        blockedReason: `The quota of agent ${agent} is used up.${said}`,
        next,
      };
    }
    case 'permission_denied': {
      const next = `${allowMore(run.permission, agent)}, then: ${goOn}`;
      return {
        reason: 'It was not allowed to do its work.',
        blockedReason: `Agent ${agent} may not do what the task needs.${said}`,
        next,
      };
    }
    case 'command_not_found':
    case 'not_executable':
      return {
        reason: 'Its program could not be started, and would not be the next time.',
        blockedReason: run.error === null ? `The program of agent ${agent} could not be started.` : short(run.error),
        next:
          `Install it, or name its path (clip agent edit ${agent} --command PATH); ` +
          `then, from a shell that has it: ${goOn}`,
      };
    case 'cwd_missing': {
      const other = task === null ? '' : `, or name another (clip task edit T${task} --cwd DIR)`;
      return {
        reason: 'Its work folder is gone.',
        blockedReason: run.error === null ? 'Its work folder is gone.' : short(run.error),
        next: `Make the folder again${other}, then: ${goOn}`,
      };
    }
  }
  if (run.liveness?.state !== 'blocked') return null;
  const answer = task === null ? `Settle it, then: ${goOn}` : `Answer it: ${goOn} "…"`;
  return { reason: 'It is blocked.', blockedReason: short(run.liveness.reason), next: answer };
}

/** Returns how an agent with this permission is allowed more. An agent with the highest one is kept by its own CLI. */
function allowMore(permission: Permission | null, agent: string): string {
  switch (permission) {
    case 'full':
      return 'Its own settings or its sandbox refuse it: allow it there';
    case 'edit':
      return `Allow everything (clip agent edit ${agent} --permission full), or only this in the settings of its CLI`;
    default:
      return `Allow more (clip agent edit ${agent} --permission edit)`;
  }
}

const quotedLength = 300;

function short(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length <= quotedLength ? line : `${cutText(line, quotedLength - 1).trimEnd()}…`;
}
