/** `clip agent check`: found, version, starts, answers. The last two by a real run, since nothing else proves them. */
import type { CheckAnswer } from '../../protocol/agents.ts';
import type { RunView } from '../../protocol/answers.ts';
import { limits } from '../../run/limits.ts';
import type { Context } from '../context.ts';
import { environmentOf, requestOf } from '../request.ts';
import { allReached } from '../waiting.ts';
import { clean, endWords } from '../words.ts';

const question = 'This is a test of the connection. Use no tools. Answer with the single word: ready';

type Step = { readonly check: 'found' | 'version' | 'starts' | 'answers'; readonly ok: boolean; readonly detail: string };

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
  const { path, version, paused, pausedReason, program } = await context
    .client()
    .call<CheckAnswer>('POST', `/v1/agents/${encodeURIComponent(name)}/check`, { env: environmentOf(context.env) });
  report({
    check: 'found',
    ok: path !== null,
    detail: path ?? `${program} is not there, or may not be executed; install it, or name another: clip agent edit ${name} --command PATH`,
  });
  if (path === null) return false;
  if (paused) report({ check: 'starts', ok: false, detail: pausedReason ?? `it is paused: clip agent resume ${name}` });
  // An http agent has no version, and a plain command may do anything when it is asked for one.
  if (version !== undefined) report({ check: 'version', ok: version !== null, detail: version ?? 'it does not answer to --version' });
  return !paused;
}

async function asks(context: Context, name: string, report: (step: Step) => void): Promise<RunView> {
  const client = context.client();
  const body = {
    ...requestOf(context, { label: { check: name } }),
    cwdIsDefault: true,
    agent: name,
    stdin: { kind: 'text', base64: Buffer.from(question).toString('base64') },
    onLoss: 'fail',
    timeoutMs: limits.agentCheckMs,
  };
  const { run } = await client.call<{ run: RunView }>('POST', '/v1/runs', body);
  // Nobody wants the answer any more: it must not be asked for later either.
  process.once('SIGINT', () => {
    const cancel = { runs: [String(run.number)], now: true };
    void client.call('POST', '/v1/cancel', cancel).finally(() => process.exit(130));
  });
  if (run.waitingFor !== null) context.notice(`Run ${run.number} waits: ${clean(run.waitingFor)}`);
  const [ended = run] = await allReached(client, [run.number], 'ended');
  const said = ended.lastMessage;
  const why = `${ended.error ?? endWords(ended)} (clip logs ${ended.number})`;
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
    detail: answered ? (said ?? 'it ended well') : ended.status === 'succeeded' ? 'it ended well, but said nothing' : why,
  });
  return ended;
}
