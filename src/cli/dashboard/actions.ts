/** Carries out what keys request through the daemon, and returns a sentence about the result. */
import type { Home } from '#config/home.ts';
import { openFolder } from '#launch/open-folder.ts';
import type { AgentView } from '#protocol/agents.ts';
import type { CancelAnswer, RunAnswer } from '#protocol/answers.ts';
import type { RunRequestInput } from '#protocol/requests.ts';
import type { ContinueAnswer, MoveRequest, NewTaskRequest, TaskAnswer } from '#protocol/tasks.ts';
import { ClipError } from '#run/errors.ts';
import { acknowledge } from '../client/acknowledge.ts';
import type { Client } from '../client/client.ts';
import { startKeeperIfWanted } from '../client/start-keeper.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import { clean } from '../terminal/clean.ts';
import { splitCommand } from './split-command.ts';
import type { ActionRequest, Notice } from './state.ts';

export type ActionDeps = {
  readonly client: Client;
  readonly home: Home;
  readonly env: NodeJS.ProcessEnv;
  /** Returns the current folder, in which new runs and tasks begin. Throws when it has been deleted. */
  readonly cwd: () => string;
};

/** `copy`: a text for the clipboard, or null. */
export type ActionResult = { readonly notice: Notice; readonly copy: string | null };

type Order<T extends ActionRequest['type']> = T extends unknown ? Extract<ActionRequest, { readonly type: T }> : never;
/** The requests that the daemon answers. The others belong to the terminal. */
export type DaemonRequest = Exclude<ActionRequest, Order<'quit' | 'suspend' | 'list-agents' | 'copy'>>;

/** Performs an action. It never throws: an error becomes the returned sentence. */
export async function performAction(deps: ActionDeps, order: DaemonRequest): Promise<ActionResult> {
  try {
    if (order.type === 'copy-folder' || order.type === 'open-folder') return await useFolder(deps, order);
    return { notice: { kind: 'result', text: clean(await perform(deps, order)) }, copy: null };
  } catch (error) {
    return { notice: { kind: 'error', text: formatError(error) }, copy: null };
  }
}

/** Formats an error as one line. */
export function formatError(error: unknown): string {
  if (error instanceof ClipError) return clean(`${error.message} ${error.hint ?? ''}`.trim());
  return clean(`Internal error: ${error instanceof Error ? error.message : String(error)}`);
}

function perform(
  deps: ActionDeps,
  order: Exclude<DaemonRequest, Order<'copy-folder' | 'open-folder'>>,
): Promise<string> {
  switch (order.type) {
    case 'cancel':
      return cancel(deps, order);
    case 'retry':
      return retry(deps, order.run);
    case 'remove':
      return remove(deps, order.run);
    case 'dismiss-run':
    case 'dismiss-task':
      return dismiss(deps, order);
    case 'done':
      return move(deps, order.task, { move: 'done' }, 'is done');
    case 'continue-task':
      return continueTask(deps, order);
    case 'continue-run':
      return continueRun(deps, order.run, order.words);
    case 'comment':
      return comment(deps, order);
    case 'add-task':
      return addTask(deps, order);
    case 'start-run':
      return startRun(deps, order);
    case 'assign':
      return assign(deps, order);
    case 'toggle-pause':
      return togglePause(deps, order.agent);
    case 'prioritize':
      return prioritize(deps, order);
  }
}

/** Joins the sentences that are there. */
const sentences = (...parts: readonly (string | null | undefined)[]): string => parts.filter(Boolean).join(' ');

async function cancel({ client }: ActionDeps, { run, now }: Order<'cancel'>): Promise<string> {
  const { results } = await client.call<CancelAnswer>('POST', '/v1/cancel', { runs: [String(run)], now });
  return now ? `Run ${run} is killed at once.` : (results[0]?.message ?? `Run ${run} is being stopped.`);
}

async function retry(deps: ActionDeps, number: number): Promise<string> {
  const { run, notice } = await repeat(deps, number, {});
  return sentences(`Run ${run.number} repeats run ${number}.`, notice);
}

/** Continues a run that has no task, with words as its prompt. Without words it is repeated. */
async function continueRun(deps: ActionDeps, number: number, words: string): Promise<string> {
  const { run, notice } = await repeat(deps, number, words === '' ? {} : { prompt: words });
  return sentences(`Run ${run.number} continues run ${number}.`, notice);
}

async function repeat({ client, home, env }: ActionDeps, number: number, more: object): Promise<RunAnswer> {
  const body = { env: collectEnvironment(env), envNames: [], parentRunId: null, fresh: false, ...more };
  const answer = await client.call<RunAnswer>('POST', `/v1/runs/${number}/retry`, body);
  await startKeeperIfWanted(home, answer.keeper);
  return answer;
}

async function remove({ client }: ActionDeps, run: number): Promise<string> {
  await client.call('DELETE', `/v1/runs/${run}`);
  return `Run ${run} was removed.`;
}

async function dismiss({ client }: ActionDeps, order: Order<'dismiss-run' | 'dismiss-task'>): Promise<string> {
  if (order.type === 'dismiss-run') await acknowledge(client, order.run, 'dismissed');
  else await client.call('POST', `/v1/tasks/${order.task}/dismiss`, {});
  return `${order.type === 'dismiss-run' ? `Run ${order.run}` : `T${order.task}`} is off the list of what needs you.`;
}

async function move({ client }: ActionDeps, task: number, request: MoveRequest, says: string): Promise<string> {
  const { note } = await client.call<TaskAnswer>('POST', `/v1/tasks/${task}/move`, request);
  return sentences(`T${task} ${says}.`, note);
}

function assign(deps: ActionDeps, { task, assignee }: Order<'assign'>): Promise<string> {
  const says = assignee === null ? 'is not assigned' : `is ${assignee === 'me' ? 'yours' : `${assignee}’s`}`;
  return move(deps, task, { move: 'assign', assignee, environment: collectEnvironment(deps.env) }, says);
}

async function continueTask({ client, env }: ActionDeps, { task, words }: Order<'continue-task'>): Promise<string> {
  const body = {
    agent: null,
    prompt: words === '' ? null : words,
    fresh: false,
    environment: collectEnvironment(env),
  };
  const { run, busyWith } = await client.call<ContinueAnswer>('POST', `/v1/tasks/${task}/continue`, body);
  if (run === null)
    return `T${task} is being worked on by run ${busyWith ?? '–'}; it is continued when that has ended.`;
  return sentences(
    `Run ${run.number} goes on with T${task}.`,
    run.waitingFor === null ? null : `It waits: ${run.waitingFor}.`,
  );
}

async function comment({ client }: ActionDeps, { task, words }: Order<'comment'>): Promise<string> {
  await client.call('POST', `/v1/tasks/${task}/comments`, { text: words });
  return `The comment is kept; the next run of T${task} is told.`;
}

async function addTask({ client, env, cwd }: ActionDeps, { words, assignee }: Order<'add-task'>): Promise<string> {
  const request: NewTaskRequest = {
    title: words,
    madeIn: cwd(),
    assignee,
    environment: assignee === null ? null : collectEnvironment(env),
  };
  const { task, note } = await client.call<TaskAnswer>('POST', '/v1/tasks', request);
  const whose = assignee === null ? '' : assignee === 'me' ? ' and yours' : ` and ${assignee}’s`;
  return sentences(`T${task.number} is added${whose}, in ${request.madeIn}.`, note);
}

async function startRun(deps: ActionDeps, { words, agent }: Order<'start-run'>): Promise<string> {
  const request: RunRequestInput = {
    ...(agent === null ? { command: splitCommand(words) } : { agent, prompt: words }),
    cwd: deps.cwd(),
    cwdIsDefault: true,
    env: collectEnvironment(deps.env),
  };
  const { run, notice, keeper } = await deps.client.call<RunAnswer>('POST', '/v1/runs', request);
  await startKeeperIfWanted(deps.home, keeper);
  const waits = run.waitingFor === null ? `is started in ${run.cwd}` : `waits: ${run.waitingFor}`;
  return sentences(`Run ${run.number} ${waits}.`, notice);
}

/** Pauses an agent, or resumes one that a person has paused. */
async function togglePause({ client }: ActionDeps, name: string): Promise<string> {
  const path = `/v1/agents/${encodeURIComponent(name)}`;
  const { agent: before } = await client.call<{ agent: AgentView }>('GET', path);
  const paused = before.pausedBy !== 'person';
  const { agent } = await client.call<{ agent: AgentView }>('POST', `${path}/pause`, { paused });
  if (paused) return `${name} is paused: it starts nothing. What it runs now may finish.`;
  return agent.paused ? sentences(`${name} still starts nothing:`, agent.pausedReason) : `${name} is resumed.`;
}

async function prioritize({ client }: ActionDeps, { task, by }: Order<'prioritize'>): Promise<string> {
  const path = `/v1/tasks/${task}`;
  const { task: before } = await client.call<TaskAnswer>('GET', path);
  const { task: after } = await client.call<TaskAnswer>('PATCH', path, { priority: before.priority + by });
  return `T${task} has priority ${after.priority}.`;
}

/** Opens a folder in the desktop, or returns its path for the clipboard. */
async function useFolder(
  { client, env }: ActionDeps,
  { type, place }: Order<'copy-folder' | 'open-folder'>,
): Promise<ActionResult> {
  const path = 'folder' in place ? place.folder : await readFolder(client, place.task);
  const result = (text: string, copy: string | null): ActionResult => ({
    notice: { kind: 'result', text: clean(text) },
    copy,
  });
  if (type === 'open-folder' && openFolder(path, env, process.platform)) return result(`${path} is opened.`, null);
  const why = type === 'open-folder' ? 'No desktop opens folders here. ' : '';
  return result(`${why}Copied, if the terminal takes it: ${path}`, path);
}

async function readFolder(client: Client, task: number): Promise<string> {
  const { task: shown } = await client.call<TaskAnswer>('GET', `/v1/tasks/${task}`);
  return shown.cwd ?? shown.madeIn;
}
