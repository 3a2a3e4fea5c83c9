/** Running again what has ended: the same, or the agent's session gone on with. */
import { join } from 'node:path';
import { readRequest, readWords } from '../process/new-folder.ts';
import { type AgentProfile, sessionOwner } from '../run/agent.ts';
import { ClipError } from '../run/errors.ts';
import { resumePrompt } from '../run/prompt.ts';
import type { Run, RunSpec } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { type AgentLaunch, agentLaunch } from './agent-launch.ts';
import { inputOf } from './order.ts';

type Environment = Readonly<Record<string, string>>;

export function createAgain(world: { store: Store; runsFolder: string }) {
  const { store } = world;

  /** What a run is given when this agent takes it up again. Throws when its prompt is not kept any more. */
  function launchAgain(ended: Run, agent: AgentProfile, { fresh, environment }: { fresh: boolean; environment: Environment }): AgentLaunch {
    const { spec } = ended;
    const folder = join(world.runsFolder, ended.id);
    const forTask = ended.lineage.taskId !== null;
    const asked = forTask ? readWords(folder) : readRequest(folder);
    if (asked === null && !forTask) throw notKept(ended);
    const sessionId = fresh || agent.adapter !== spec.adapter ? null : sessionToGoOnWith(ended, agent);
    // Its lock on the worktree is in its spec already; the folder itself may be gone by now.
    const same = { sessionId, cwd: spec.cwd, environment, sharesWorktree: true };
    // What a task's run is told is written when it starts (brief.ts).
    if (asked === null || forTask) return agentLaunch(agent, { ...same, prompt: asked ?? unwritten, request: asked });
    const prompt = sessionId === null ? asked : Buffer.from(resumePrompt(asked.toString('utf8'), ended));
    return agentLaunch(agent, { ...same, prompt, request: sessionId === null ? null : asked });
  }

  /** The session it was in; none when that lives in another folder, where most agents would not find it. */
  function sessionToGoOnWith({ number, spec }: Run, agent: AgentProfile): string | null {
    const id = store.accounts.glance(number)?.sessionId ?? spec.sessionId;
    const session = id === null ? null : store.sessions.get(sessionOwner(agent), id);
    return session !== null && session.cwd !== spec.cwd ? null : id;
  }

  /** What a plain command read; null for one that read nothing of ours. Throws when it is not kept any more. */
  function inputAgain(ended: Run): Buffer | null {
    if (ended.spec.stdin.kind !== 'prompt') return null;
    const kept = readRequest(join(world.runsFolder, ended.id));
    if (kept === null) throw notKept(ended);
    return kept;
  }

  return { launchAgain, inputAgain, sessionToGoOnWith };
}

const unwritten = Buffer.alloc(0);

function notKept({ number }: Run): ClipError {
  return new ClipError('refused', `The input of run ${number} is not kept any more.`, 'Start a new run, and give it the input again.');
}

export function specAgain(spec: RunSpec, launch: AgentLaunch): RunSpec {
  // The lock of the session before belongs to that session.
  const kept = spec.locks.filter((lock) => !lock.startsWith('session:'));
  return {
    ...spec,
    adapter: launch.agent.adapter,
    agent: launch.agent,
    command: launch.command,
    sessionId: launch.sessionId,
    stdin: inputOf(launch),
    locks: [...new Set([...kept, ...launch.locks])],
  };
}
