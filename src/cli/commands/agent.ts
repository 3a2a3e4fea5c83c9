import type { Command } from 'commander';
import type { AgentView } from '#protocol/agents.ts';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { clean } from '../terminal/clean.ts';
import { checkAgent } from './agent-check.ts';
import { type AgentOptions, buildAgentRequest, noticeMissing, settingOptions } from './agent-settings.ts';
import { agentFacts, agentTable } from './agent-text.ts';
import { collect } from './options.ts';

type JsonOption = { readonly json?: boolean };
type AgentReply = { agent: AgentView; note?: string | null };

/** Adds `clip agent` with its subcommands. */
export function addAgent(agent: Command, register: Register): void {
  addSettingCommands(agent, register);
  addReadingCommands(agent, register);
  addPauseCommands(agent, register);
  agent
    .command('rm <name>')
    .description('remove an agent; its runs stay')
    .option('--json', 'as JSON')
    .action((name: string, { json = false }: JsonOption) =>
      register({ json }, async (context) => say(context, await call(context, 'DELETE', name), 'is removed')),
    );
  agent
    .command('check <name>')
    .description('prove that its program is there, starts and answers; asks the model one short question')
    .option('--no-ask', 'only look for the program and its version')
    .option('--json', 'as JSON')
    .action((name: string, { ask, json = false }: JsonOption & { ask: boolean }) =>
      register({ json }, (context) => checkAgent(context, name, ask)),
    );
}

function addSettingCommands(agent: Command, register: Register): void {
  settingOptions(agent.command('add <name>').description('add an agent')).action(
    (name: string, options: AgentOptions) =>
      register(options, async (context) => {
        // A preset or a mapping describes a plain command.
        const described = options.preset !== undefined || options.mapping !== undefined;
        const adapter = options.adapter ?? (described ? 'plain' : undefined);
        const request = { ...buildAgentRequest(context, options), adapter };
        noticeMissing(context, request);
        return say(context, await call(context, 'PUT', name, request), 'is added');
      }),
  );
  settingOptions(
    agent.command('edit <name>').description('change an agent; what is not given stays; "none" clears a setting'),
  )
    .option('--unset-env <name>', 'forget a variable (repeatable)', collect)
    .action((name: string, options: AgentOptions) =>
      register(options, async (context) => {
        const request = buildAgentRequest(context, options);
        if (Object.values(request).every((value) => value === undefined))
          throw new ClipError('usage', 'There is nothing to change.', 'clip agent edit --help lists the settings.');
        noticeMissing(context, request);
        return say(context, await call(context, 'PATCH', name, request), 'is changed');
      }),
    );
}

function addReadingCommands(agent: Command, register: Register): void {
  agent
    .command('list')
    .alias('ls')
    .description('all agents')
    .option('--json', 'as JSON')
    .action(({ json = false }: JsonOption) => register({ json }, list));
  agent
    .command('show <name>')
    .description('everything about an agent but the values of its variables')
    .option('--json', 'as JSON')
    .action((name: string, { json = false }: JsonOption) =>
      register({ json }, async (context) => {
        const answer = await call(context, 'GET', name);
        if (context.json) context.printJson(answer);
        else context.print(agentFacts(context.look, answer.agent));
        return 0;
      }),
    );
}

function addPauseCommands(agent: Command, register: Register): void {
  agent
    .command('pause <name>')
    .description('start nothing more; what it is doing may finish')
    .option('--now', 'stop its live runs, too')
    .option('--json', 'as JSON')
    .action((name: string, { now = false, json = false }: JsonOption & { now?: boolean }) =>
      register({ json }, (context) => pause(context, name, true, now)),
    );
  agent
    .command('resume <name>')
    .description('start waiting runs again')
    .option('--json', 'as JSON')
    .action((name: string, { json = false }: JsonOption) =>
      register({ json }, (context) => pause(context, name, false, false)),
    );
}

function call(context: Context, method: string, name: string, body?: object): Promise<AgentReply> {
  return context.client().call<AgentReply>(method, `/v1/agents/${encodeURIComponent(name)}`, body);
}

function say(context: Context, answer: AgentReply, what: string): number {
  const { agent } = answer;
  if (context.json) {
    context.printJson(answer);
    return 0;
  }
  const permission = agent.restrained ? `, permission ${agent.permission}` : '';
  context.print(`Agent ${clean(agent.name)} (${agent.adapter}${permission}) ${what}.`);
  if (answer.note) context.notice(answer.note);
  if (what === 'is added')
    context.notice(
      `Check that it works: clip agent check ${clean(agent.name)}   Then: clip run --agent ${clean(agent.name)} "…"`,
    );
  return 0;
}

async function pause(context: Context, name: string, paused: boolean, now: boolean): Promise<number> {
  const answer = await context
    .client()
    .call<AgentReply & { stopped: number[] }>('POST', `/v1/agents/${encodeURIComponent(name)}/pause`, { paused, now });
  if (context.json) {
    context.printJson({ schema: 1, ...answer });
    return 0;
  }
  const { stopped } = answer;
  const also =
    stopped.length === 0
      ? ''
      : `; ${stopped.length === 1 ? `run ${stopped[0]} is` : `runs ${stopped.join(', ')} are`} being stopped`;
  if (paused) context.print(`Agent ${clean(name)} is paused${also}.`);
  else if (answer.agent.pausedReason === null) context.print(`Agent ${clean(name)} goes on.`);
  // Resuming does not lift a budget. Only a larger budget does.
  else context.print(`Agent ${clean(name)} is not paused any more, but ${clean(answer.agent.pausedReason)}.`);
  return 0;
}

async function list(context: Context): Promise<number> {
  const answer = await context.client().call<{ agents: AgentView[] }>('GET', '/v1/agents');
  if (context.json) context.printJson(answer);
  else if (answer.agents.length === 0) context.notice('No agents. Add one: clip agent add NAME --adapter codex');
  else context.print(agentTable(context.look, answer.agents));
  return 0;
}
