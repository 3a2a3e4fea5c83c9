/** A home whose daemon runs in the process of the test, and what a person or an agent asks of it. */

import type { LaunchRecord } from '#process/run-folder.ts';
import type { AgentRequest, AgentView } from '#protocol/agents.ts';
import type { EventView, RunView, ShowAnswer, StatusAnswer } from '#protocol/answers.ts';
import type { NeedView } from '#protocol/needs.ts';
import type { RunRequestInput } from '#protocol/requests.ts';
import type { NewTaskRequest, TaskShowAnswer } from '#protocol/tasks.ts';
import type { Budget } from '#run/budget.ts';
import { ask, type Json, open } from '../api.ts';
import type { Plan } from './fake-keeper.ts';
import type { FakeProcess, Step } from './fake-process.ts';
import { createDaemon, type Settings } from './in-process-daemon.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type DaemonHome = Awaited<ReturnType<typeof createDaemonHome>>;
export type TaskAtRest = TaskShowAnswer & { readonly runs: RunView[] };
type AgentOptions = Omit<AgentRequest, 'budgetRun' | 'budgetDay'> & {
  readonly budgetRun?: Partial<Budget> | null;
  readonly budgetDay?: Partial<Budget> | null;
};

/** A request of a person, from outside of any run. */
const aPerson: Readonly<Record<string, string>> = { 'clip-run': 'none' };

/** Returns what a process of this run sends with its requests. */
export function asRun({ id, launch }: FakeProcess): Readonly<Record<string, string>> {
  return { 'clip-run': id, 'clip-run-token': launch.token ?? '' };
}

/** Returns how a plain command goes: `true`, `false`, `sleep`, `echo TEXT` and `sh -c 'exit N'` are known. */
function planOf({ argv: [program, ...args] }: LaunchRecord): Plan {
  if (program === 'true') return { steps: [{ exit: 0 }] };
  if (program === 'false') return { steps: [{ exit: 1 }] };
  if (program === 'echo') return { steps: [{ raw: `${args.join(' ')}\n` }, { exit: 0 }] };
  const code = /^exit (\d+)$/.exec(args[1] ?? '')?.[1];
  return { steps: code === undefined ? [] : [{ exit: Number(code) }] };
}

/** Returns the objects of JSON lines. */
function linesIn<T>(text: string): T[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as T]));
}

/** Returns the parsed body of an answer, or its text if that is no single object. */
function parseBody(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Starts a daemon in a new home. Everything ends with the test. */
export async function createDaemonHome(settings: Settings = {}) {
  const scripts = new Map<string, readonly (readonly Step[])[]>();
  /** Plans for the next runs, whatever they are. */
  const planned: Plan[] = [];
  const starts = new Map<string, number>();
  let reported = 0;

  function plan(launch: LaunchRecord): Plan {
    const next = planned.shift();
    const own = launch.agent === null ? undefined : scripts.get(launch.agent);
    if (next !== undefined || launch.agent === null || own === undefined) return next ?? planOf(launch);
    const nth = starts.get(launch.agent) ?? 0;
    starts.set(launch.agent, nth + 1);
    return { steps: own[Math.min(nth, own.length - 1)] ?? [] };
  }

  // As many on every machine.
  const daemon = await createDaemon({ max_runs: 4, ...settings }, plan);
  const { until, work, base } = daemon;
  const environment = { PATH: process.env['PATH'] ?? '', HOME: base };

  async function request(method: Method, path: string, body?: object, as = aPerson) {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = ask(daemon.home.folder, `/v1${path}`, { method, headers: as, ...sent });
    const { status, text } = await daemon.answered(answer);
    return { status, body: parseBody(text) };
  }

  /** Sends a request that succeeds. Returns its answer. */
  async function send(method: Method, path: string, body?: object, as = aPerson): Promise<Json> {
    const answer = await request(method, path, body, as);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Sends a request that is refused. Returns the error. */
  async function refused(method: Method, path: string, body?: object, as = aPerson) {
    const { status, body: answer } = await request(method, path, body, as);
    if (status < 400) throw new Error(`${method} ${path} was not refused: ${JSON.stringify(answer)}`);
    return { status, ...(answer.error as { code: string; message: string; hint: string | null }) };
  }

  const shown = (ref: number | string): Promise<ShowAnswer> => send('GET', `/runs/${encodeURIComponent(ref)}`);
  const show = async (ref: number | string): Promise<RunView> => (await shown(ref)).run;
  const history = async (ref: number | string): Promise<EventView[]> => (await shown(ref)).events;
  const submitted = async (given: Partial<RunRequestInput>, as = aPerson): Promise<RunView> =>
    (await send('POST', '/runs', { cwd: work, env: environment, ...given }, as)).run;

  const untilRun = (what: string, ref: number | string, condition: (run: RunView) => boolean): Promise<RunView> =>
    until(`run ${ref} ${what}`, async () => {
      const run = await show(ref).catch(() => null);
      return run !== null && condition(run) ? run : null;
    });

  const task = (number: number): Promise<TaskShowAnswer> => send('GET', `/tasks/${number}`);
  const runs = async (query = ''): Promise<RunView[]> =>
    (await send('GET', `/runs?limit=1000${query}`)).runs.toReversed();

  return {
    ...daemon,
    environment,
    request,
    send,
    refused,
    show,
    history,
    task,
    runs,
    plan: (next: Plan) => void planned.push(next),
    /** Submits a run of a command. Returns its number. */
    run: async (command: readonly string[], given: Partial<RunRequestInput> = {}): Promise<number> =>
      (await submitted({ command: [...command], ...given })).number,
    /** Submits a run of an agent. Returns its number. */
    runAgent: async (agent: string, given: Partial<RunRequestInput> = {}): Promise<number> =>
      (await submitted({ agent, prompt: 'go', cwdIsDefault: true, ...given })).number,
    untilRun,
    untilStatus: (ref: number | string, ...statuses: RunView['status'][]) =>
      untilRun(`is ${statuses.join(' or ')}`, ref, ({ status }) => statuses.includes(status)),
    untilSettled: (ref: number | string) => untilRun('has settled', ref, ({ settled }) => settled),
    untilWaiting: (ref: number | string, words: string) =>
      untilRun(`waits: ${words}`, ref, ({ waitingFor }) => waitingFor?.includes(words) === true),
    cancel: (given: object) => send('POST', '/cancel', given),
    /** Returns the process of a run. */
    async process(ref: number | string): Promise<FakeProcess> {
      const { id } = await untilRun('has a process', ref, ({ processPid }) => processPid !== null);
      const keeper = daemon.keepers.find((each) => each.processes().some((process) => process.id === id));
      if (keeper === undefined) throw new Error(`No keeper has started run ${ref}.`);
      return keeper.process(id);
    },
    /** Adds an agent that speaks as codex does and follows these scripts, one for each of its starts. */
    async addAgent(name: string, ofStarts: readonly (readonly Step[])[], given: AgentOptions = {}): Promise<AgentView> {
      scripts.set(name, ofStarts);
      return (await send('PUT', `/agents/${name}`, { adapter: 'codex', command: '/bin/sh', ...given })).agent;
    },
    editAgent: async (name: string, given: AgentOptions): Promise<AgentView> =>
      (await send('PATCH', `/agents/${name}`, given)).agent,
    agent: async (name: string): Promise<AgentView> => (await send('GET', `/agents/${name}`)).agent,
    /** Returns the processes of this agent, in the order of their starts. */
    started: (agent: string): FakeProcess[] =>
      daemon.keepers.flatMap((keeper) => keeper.processes()).filter(({ launch }) => launch.agent === agent),
    /** Adds a task. Returns its number. */
    async addTask(given: Omit<Partial<NewTaskRequest>, 'budget'> & { budget?: Partial<Budget> } = {}): Promise<number> {
      const made = { title: 'Fix the parser', assignee: 'coder', madeIn: work, environment, ...given };
      return (await send('POST', '/tasks', made)).task.number;
    },
    move: (number: number, move: string, given: object = {}, as = aPerson) =>
      send('POST', `/tasks/${number}/move`, { move, ...given }, as),
    continueTask: (number: number, prompt: string | null = null, as = aPerson) =>
      send('POST', `/tasks/${number}/continue`, { prompt }, as),
    runsOf: (number: number) => runs(`&task=${number}`),
    /** Waits until all runs of the task have settled and no wake is pending. */
    atRest: (number: number): Promise<TaskAtRest> =>
      until(`T${number} is at rest`, async () => {
        const ofTask = await runs(`&task=${number}`);
        const seen = await task(number);
        const waits = seen.wakes.some(({ status }) => ['queued', 'deferred', 'claimed'].includes(status));
        return ofTask.length > 0 && ofTask.every(({ settled }) => settled) && !waits ? { ...seen, runs: ofTask } : null;
      }),
    /** Returns a step in which a run reports, as `clip report` does. */
    reports: (kind: string, text: string): Step => ({
      does: ({ id, launch: { token } }) => {
        reported += 1;
        return send('POST', `/runs/${id}/reports`, { token, id: `r${reported}`, kind, text });
      },
    }),
    needsYou: async (): Promise<NeedView[]> => ((await send('GET', '/status')) as StatusAnswer).needsYou,
    /** Returns all events, or those after a cursor. */
    events: async (since = 0): Promise<EventView[]> =>
      linesIn((await ask(daemon.home.folder, `/v1/events?since=${since}`)).text),
    /** Follows a stream of lines. The returned list grows. */
    async follow(path: string): Promise<Json[]> {
      const lines: Json[] = [];
      const answer = await open(daemon.home.folder, `/v1${path}`);
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        const whole = (text + chunk).split('\n');
        text = whole.pop() ?? '';
        lines.push(...whole.map((line) => JSON.parse(line)));
      });
      answer.on('error', () => {});
      return lines;
    },
  };
}
