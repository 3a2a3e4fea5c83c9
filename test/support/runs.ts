/** Runs as values: every part can be given, and the defaults describe a plain command without limits. */
import type { AgentProfile } from '#run/agent.ts';
import type { Leader } from '#run/leader.ts';
import type { Ended, Lineage, Run, Running, RunSpec, RunState, Stopping } from '#run/run.ts';
import type { Stop } from '#run/stop.ts';

/** The current time in tests of pure code. */
export const noon = Date.UTC(2026, 5, 1, 12);

export const leader: Leader = { pid: 4242, pgid: 4242, startTime: 77_000, bootId: 'boot-1' };

export function aSpec(given: Partial<RunSpec> = {}): RunSpec {
  return {
    command: ['make', 'test'],
    cwd: '/work',
    adapter: 'plain',
    agent: null,
    sessionId: null,
    name: null,
    group: null,
    priority: 0,
    labels: {},
    locks: [],
    after: null,
    timeoutMs: 0,
    timeoutSource: 'default',
    silenceMs: null,
    graceMs: 15_000,
    outputBytesMax: 10 * 2 ** 30,
    mergeOutput: false,
    stdin: { kind: 'none' },
    onLoss: 'fail',
    leftovers: 'stop',
    promptSecret: false,
    envNames: [],
    ...given,
  };
}

export function aProfile(given: Partial<AgentProfile> = {}): AgentProfile {
  return {
    id: 'agent1',
    name: 'coder',
    adapter: 'codex',
    command: null,
    model: null,
    role: null,
    args: [],
    permission: 'ask',
    mapping: null,
    ...given,
  };
}

/** The lineage of a run that a person has started, without a task. */
export const noLineage: Run['lineage'] = {
  taskId: null,
  origin: null,
  parentRunId: null,
  depth: 0,
  retryOfRunId: null,
  retryReason: null,
  processLossRetryCount: 0,
  environment: null,
};

export function aRun(
  state: RunState,
  given: { spec?: Partial<RunSpec>; lineage?: Partial<Lineage>; number?: number } = {},
): Run {
  const number = given.number ?? 42;
  return {
    number,
    id: `id${number}`,
    key: null,
    queuedAt: noon - 60_000,
    spec: aSpec(given.spec),
    lineage: { ...noLineage, ...given.lineage },
    state,
  };
}

export function aStop(given: Partial<Stop> = {}): Stop {
  return {
    order: 'cancelled',
    orderedAt: noon - 2_000,
    graceMs: 15_000,
    phase: 'ordered',
    phaseAt: noon - 2_000,
    now: false,
    ...given,
  };
}

export function running(given: Partial<Running> = {}): Running {
  const startedAt = noon - 30_000;
  return {
    status: 'running',
    leader,
    startedAt,
    deadlineAt: null,
    silentSince: startedAt,
    held: true,
    detachedWarning: false,
    stall: null,
    ...given,
  };
}

export function stopping(given: Partial<Stopping> = {}): Stopping {
  return { ...running(), stop: aStop(), ...given, status: 'stopping' };
}

/** The state of a run that has ended, by default as a success. */
export function anEnd(given: Partial<Ended> = {}): Ended {
  return {
    status: 'succeeded',
    outcome: { kind: 'exited', code: 0 },
    stopReason: 'completed',
    errorCode: null,
    error: null,
    errorBy: null,
    remark: null,
    timeoutFired: false,
    leader: null,
    startedAt: noon - 30_000,
    endedAt: noon,
    stop: null,
    leaked: null,
    workspace: null,
    liveness: null,
    decision: null,
    acknowledged: null,
    pending: [],
    ...given,
  };
}
