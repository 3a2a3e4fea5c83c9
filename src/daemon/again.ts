/** Running again what has ended: the same, or the agent's session gone on with. */
import { join } from 'node:path';
import { readRequest } from '../process/new-folder.ts';
import { ClipError } from '../run/errors.ts';
import { resumePrompt } from '../run/prompt.ts';
import type { Run, RunSpec } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { type AgentLaunch, agentLaunch } from './agent-launch.ts';
import { sha256 } from './order.ts';

export function createAgain(world: { store: Store; runsFolder: string }) {
  const { store } = world;

  /** What a run of an agent is given when it is run again; null for a plain command, or when its prompt is not kept any more. */
  function inputAgain(ended: Run, fresh: boolean, environment: Readonly<Record<string, string>> = {}): AgentLaunch | null {
    const { spec } = ended;
    const asked = readRequest(join(world.runsFolder, ended.id));
    if (spec.agent === null || asked === null) return null;
    const sessionId = fresh ? null : sessionToGoOnWith(ended);
    const prompt = sessionId === null ? asked : Buffer.from(resumePrompt(asked.toString('utf8'), ended));
    // Its lock on the worktree is in its spec already; the folder itself may be gone by now.
    return agentLaunch(spec.agent, { sessionId, cwd: spec.cwd, environment, sharesWorktree: true, prompt, request: sessionId === null ? null : asked });
  }

  /** The session it was in; none when that lives in another folder, where most agents would not find it. */
  function sessionToGoOnWith({ number, spec }: Run): string | null {
    const id = store.accounts.ofRun(number)?.account.sessionId ?? spec.sessionId;
    const session = id === null ? null : store.sessions.get(spec.adapter, id);
    return session !== null && session.cwd !== spec.cwd ? null : id;
  }

  /** What it read, as long as that is kept. */
  function keptInput({ id, number, spec }: Run): Buffer | null {
    if (spec.stdin.kind !== 'prompt') return null;
    const kept = readRequest(join(world.runsFolder, id));
    if (kept === null) throw new ClipError('refused', `The input of run ${number} is not kept any more.`, 'Start a new run, and give it the input again.');
    return kept;
  }

  return { inputAgain, keptInput };
}

export function specAgain(spec: RunSpec, { command, sessionId, prompt, locks, readsStdin }: AgentLaunch): RunSpec {
  // The lock of the session before belongs to that session.
  const kept = spec.locks.filter((lock) => !lock.startsWith('session:'));
  return {
    ...spec,
    command,
    sessionId,
    stdin: readsStdin ? { kind: 'prompt', sha256: sha256(prompt) } : { kind: 'none' },
    locks: [...new Set([...kept, ...locks])],
  };
}
