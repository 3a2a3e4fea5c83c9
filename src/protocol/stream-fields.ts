/** The fields of a run's view that come from the agent's stream, its work folder and its verdict. */
import { isRestrained } from '#run/agent.ts';
import { isoTimeOrNull } from '#run/iso-time.ts';
import { type Ended, isEnded, type Run } from '#run/run.ts';
import type { StreamDigest } from '#run/stream-digest.ts';
import type { WorkspaceRecord } from '#run/workspace-record.ts';
import type { RunView } from './answers.ts';
import type { RunFacts } from './run-facts.ts';

type StreamField =
  | 'permission'
  | 'sessionIdBefore'
  | 'sessionIdAfter'
  | 'evidence'
  | 'usage'
  | 'resetsAt'
  | 'lastMessage';

/**
 * Returns what the agent's stream has shown. Without a stream, only the permission and the session to resume are known.
 */
export function buildStreamFields(run: Run, seen: RunFacts): Pick<RunView, StreamField> {
  const { spec } = run;
  const { digest } = seen;
  const permission = spec.agent !== null && isRestrained(spec.agent) ? spec.agent.permission : null;
  const known = { permission, sessionIdBefore: spec.sessionId };
  if (digest === null)
    return { ...known, evidence: null, sessionIdAfter: null, usage: null, resetsAt: null, lastMessage: null };
  const { usage, usageIsPart: partial } = digest;
  const model = digest.model ?? spec.agent?.model ?? null;
  return {
    ...known,
    sessionIdAfter: digest.sessionId,
    evidence: buildEvidence(run, digest, seen),
    usage: usage === null ? null : { ...usage, model, partial },
    resetsAt: isoTimeOrNull(digest.resetsAt),
    lastMessage: digest.lastMessage,
  };
}

function buildEvidence({ state }: Run, digest: StreamDigest, { left, reports }: RunFacts): RunView['evidence'] {
  const { toolCalls, commands, commandsFailed, commandsOpen, filesChanged, messages } = digest;
  const own = isEnded(state) ? (state.workspace?.own ?? null) : null;
  return {
    toolCalls,
    commands,
    commandsFailed,
    commandsOpen,
    // While the run lives, the files that its stream reports. Afterwards, the files that differ from before.
    filesChanged: own?.files ?? filesChanged,
    commits: own?.commits ?? null,
    comments: left?.comments ?? null,
    documents: left?.documents ?? null,
    reports,
    messages,
  };
}

/** Returns what the run did to its work folder, and its verdict. All fields are null until they are known. */
export function buildVerdictFields(
  ended: Ended | null,
): Pick<RunView, 'livenessState' | 'livenessReason' | 'nextAction' | 'lastUsefulActionAt' | 'workspace'> {
  const { liveness = null, workspace = null } = ended ?? {};
  return {
    livenessState: liveness?.state ?? null,
    livenessReason: liveness?.reason ?? null,
    nextAction: liveness?.nextAction ?? null,
    lastUsefulActionAt: isoTimeOrNull(liveness?.lastUsefulActionAt ?? null),
    workspace: workspace === null ? null : buildWorkspaceView(workspace),
  };
}

function buildWorkspaceView(workspace: WorkspaceRecord): RunView['workspace'] {
  const { headBefore, headAfter, commits, filesChanged, insertions, deletions, dirty, files, own } = workspace;
  const named = files.map((file) => ({ ...file }));
  return {
    headBefore,
    headAfter,
    commits,
    filesChanged,
    insertions,
    deletions,
    dirty,
    files: named,
    progress: own?.progress ?? null,
  };
}
