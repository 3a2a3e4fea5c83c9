/** `clip agent check`: found, version, starts, answers. A real run proves the last two. */
import type { CheckAnswer } from '#protocol/agents.ts';
import type { RunView } from '#protocol/answers.ts';
import { limits } from '#run/limits.ts';
import { acknowledge } from '../client/acknowledge.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import { allReached } from '../client/wait-for-runs.ts';
import type { Context } from '../context.ts';
import { formatEnd } from '../format/format.ts';
import { clean } from '../terminal/clean.ts';
import { buildRequest } from './run-request.ts';

const question = 'This is a test of the connection. Use no tools. Answer with the single word: ready';

type Step = {
  readonly check: 'found' | 'version' | 'tasks' | 'starts' | 'answers';
  readonly ok: boolean;
  readonly detail: string;
};

/** Runs the checks in order, prints each, and returns the exit code: 1 when one has failed. */
export async function checkAgent(context: Context, name: string, ask: boolean): Promise<number> {
  const steps: Step[] = [];
  const report = (step: Step) => {
    steps.push(step);
    if (!context.json) context.print(`${step.ok ? '✓' : '✗'} ${step.check.padEnd(8)} ${clean(step.detail)}`);
  };
  const run = (await isThere(context, name, report)) && ask ? await asks(context, name, report) : null;
  const ok = steps.every((step) => step.ok);
  if (context.json) context.printJson({ schema: 1, ok, checks: steps, run });
  return ok ? 0 : 1;
}

async function isThere(context: Context, name: string, report: (step: Step) => void): Promise<boolean> {
  const answer = await context.client().call<CheckAnswer>('POST', `/v1/agents/${encodeURIComponent(name)}/check`, {
    env: collectEnvironment(context.env),
  });
  const { path, version, paused, pausedReason, program } = answer;
  report({
    check: 'found',
    ok: path !== null,
    detail:
      path ??
      `${program} is not there, or may not be executed; ` +
        `install it, or name another: clip agent edit ${name} --command PATH`,
  });
  const tasks = formatAutomatic(clean(name), answer);
  if (path === null) {
    if (!tasks.ok) report(tasks);
    return false;
  }
  report(tasks);
  if (paused) report({ check: 'starts', ok: false, detail: pausedReason ?? `it is paused: clip agent resume ${name}` });
  // An http agent has no version, and a plain command may do anything when it is called with --version.
  if (version !== undefined)
    report({ check: 'version', ok: version !== null, detail: version ?? 'it does not answer to --version' });
  return !paused;
}

/** Reports whether automatic runs find the program. They do not start from the caller's shell. */
function formatAutomatic(agent: string, { program, taskEnvironment, automatic }: CheckAnswer): Step {
  const missing = automatic.filter(({ found }) => !found);
  const [first] = missing;
  if (first === undefined) {
    const kept = 'each task keeps the environment of the shell that assigns or continues it';
    return { check: 'tasks', ok: true, detail: taskEnvironment === 'daemon' ? "found in the daemon's PATH" : kept };
  }
  const tasks = missing.flatMap(({ task }) => (task === null ? [] : [`T${task}`]));
  const whose = tasks.length === 0 ? 'automatic runs' : tasks.slice(0, 5).join(', ');
  const where = first.source === 'daemon' ? "the daemon's PATH" : 'the PATH that was kept for them';
  const cure =
    taskEnvironment === 'daemon'
      ? 'clip daemon restart'
      : tasks[0] === undefined
        ? `clip agent edit ${agent} --every DURATION`
        : `clip continue ${tasks[0]}`;
  return { check: 'tasks', ok: false, detail: `${whose}: ${program} is not in ${where}. From this shell: ${cure}` };
}

async function asks(context: Context, name: string, report: (step: Step) => void): Promise<RunView> {
  const client = context.client();
  const body = {
    ...buildRequest(context, { label: { check: name } }),
    cwdIsDefault: true,
    agent: name,
    stdin: { kind: 'text', base64: Buffer.from(question).toString('base64') },
    onLoss: 'fail',
    timeoutMs: limits.agentCheckMs,
  };
  const { run } = await client.call<{ run: RunView }>('POST', '/v1/runs', body);
  // The answer is no longer wanted, so the run is cancelled.
  process.once('SIGINT', () => {
    const cancel = { runs: [String(run.number)], now: true };
    void client.call('POST', '/v1/cancel', cancel).finally(() => process.exit(130));
  });
  if (run.waitingFor !== null) context.notice(`Run ${run.number} waits: ${clean(run.waitingFor)}`);
  const [ended = run] = await allReached(client, [run.number], 'ended');
  // The person who checks the agent sees its answer here.
  if (ended.needsYou) await acknowledge(client, ended.number, 'seen').catch(() => {});
  const said = ended.lastMessage;
  const why = `${ended.error ?? formatEnd(ended)} (clip logs ${ended.number})`;
  report({
    check: 'starts',
    ok: ended.startedAt !== null && ended.errorCode !== 'command_not_found',
    detail: ended.startedAt === null ? why : `run ${ended.number}`,
  });
  if (ended.startedAt === null) return ended;
  const answered = ended.status === 'succeeded' && (said !== null || ended.evidence === null);
  report({
    check: 'answers',
    ok: answered,
    detail: answered
      ? (said ?? 'it ended well')
      : ended.status === 'succeeded'
        ? 'it ended well, but said nothing'
        : why,
  });
  return ended;
}
