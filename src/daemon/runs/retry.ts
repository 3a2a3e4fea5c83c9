/** Prepares the retry of an ended run: the same input again, or the agent's session resumed. */
import { join } from 'node:path';
import { formatRead, readRequest } from '#process/run-folder-writer.ts';
import { type AgentProfile, sessionOwner } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { followUpPrompt, resumePrompt } from '#run/prompt.ts';
import type { Run, RunSpec } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { type AgentLaunch, agentLaunch } from '../agents/invocation.ts';
import { resolveInput } from './build-spec.ts';

type Environment = Readonly<Record<string, string>>;

export function createAgain(deps: { store: Store; runsFolder: string }) {
  const { store } = deps;

  /**
   * Returns the launch with which this agent retries the run. `words`: what it is told now. Throws if its prompt is
   * needed and not kept any more.
   */
  function launchAgain(
    ended: Run,
    agent: AgentProfile,
    { fresh, environment, words }: { fresh: boolean; environment: Environment; words: string | null },
  ): AgentLaunch {
    const { spec } = ended;
    const folder = join(deps.runsFolder, ended.id);
    const forTask = ended.lineage.taskId !== null;
    const before = forTask ? formatRead(folder) : readRequest(folder);
    if (before === null && !forTask && words === null) throw notKept(ended);
    const asked = words === null ? before : Buffer.from(words);
    const sessionId = fresh || agent.adapter !== spec.adapter ? null : sessionToGoOnWith(ended, agent);
    // The lock on the worktree is already in the spec. The folder itself may be gone.
    const same = { sessionId, cwd: spec.cwd, environment, sharesWorktree: true };
    // The prompt of a task's run is written at its start (see tasks/handoff.ts).
    if (asked === null || forTask) return agentLaunch(agent, { ...same, prompt: asked ?? unwritten, request: asked });
    if (words !== null) {
      // A session knows what was asked before.
      const told =
        sessionId !== null || before === null ? asked : Buffer.from(followUpPrompt(words, before.toString()));
      return agentLaunch(agent, { ...same, prompt: told, request: null });
    }
    const prompt = sessionId === null ? asked : Buffer.from(resumePrompt(asked.toString('utf8'), ended));
    return agentLaunch(agent, { ...same, prompt, request: sessionId === null ? null : asked });
  }

  /** Returns the session of the run. Null if it belongs to another folder, where most agents would not find it. */
  function sessionToGoOnWith({ number, spec }: Run, agent: AgentProfile): string | null {
    const id = store.streamStates.glance(number)?.sessionId ?? spec.newSessionId ?? spec.sessionId;
    const session = id === null ? null : store.sessions.get(sessionOwner(agent), id);
    return session !== null && session.cwd !== spec.cwd ? null : id;
  }

  /** Returns the input of a plain command; null if clip gave it none. Throws if it is not kept any more. */
  function inputAgain(ended: Run): Buffer | null {
    if (ended.spec.stdin.kind !== 'prompt') return null;
    const kept = readRequest(join(deps.runsFolder, ended.id));
    if (kept === null) throw notKept(ended);
    return kept;
  }

  return { launchAgain, inputAgain, sessionToGoOnWith };
}

const unwritten = Buffer.alloc(0);

function notKept({ number }: Run): ClipError {
  return new ClipError(
    'refused',
    `The input of run ${number} is not kept any more.`,
    'Start a new run, and give it the input again.',
  );
}

export function specAgain(spec: RunSpec, launch: AgentLaunch): RunSpec {
  // The old session lock does not apply to the new session.
  const kept = spec.locks.filter((lock) => !lock.startsWith('session:'));
  return {
    ...spec,
    adapter: launch.agent.adapter,
    agent: launch.agent,
    command: launch.command,
    sessionId: launch.sessionId,
    newSessionId: launch.newSessionId ?? undefined,
    stdin: resolveInput(launch),
    locks: [...new Set([...kept, ...launch.locks])],
  };
}
