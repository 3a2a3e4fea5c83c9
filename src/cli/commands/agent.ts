import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { AgentRequest, AgentView } from '#protocol/agents.ts';
import { adapterNames, permissions } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { whyUnreadable } from '../format/file-error.ts';
import { clean, formatCommand, formatDuration, paint, plural, table } from '../format/format.ts';
import { checkAgent } from './agent-check.ts';
import {
  type Cleared,
  cleared,
  type LimitOptions,
  limitFacts,
  limitOptions,
  limitsIn,
  orNone,
  unlessCleared,
} from './agent-options.ts';
import { collect, collectPair, duration, positiveNumber } from './options.ts';
import { collectEnvironment, readFileWithin } from './run-request.ts';

type Options = LimitOptions & {
  adapter?: AgentRequest['adapter'];
  preset?: string;
  mapping?: string;
  command?: string;
  model?: string;
  role?: string;
  cwd?: string;
  arg?: string[];
  env?: Record<string, string>;
  unsetEnv?: string[];
  envFrom?: string;
  timeout?: number | Cleared;
  silence?: number | Cleared;
  grace?: number | Cleared;
  concurrency?: number;
  promptTemplate?: string;
  leftovers?: 'stop' | 'leave' | 'none';
  permission?: AgentRequest['permission'];
  shareWorktree?: boolean;
  json?: boolean;
};
type AgentReply = { agent: AgentView; note?: string | null };

export function addAgent(program: Command, register: Register): void {
  const agent = program.command('agent').description('agents: named ways to run an agent CLI');
  settings(agent.command('add <name>').description('add an agent')).action((name: string, options: Options) =>
    register({ json: options.json ?? false }, async (context) => {
      // A preset or a mapping describes a plain command.
      const adapter =
        options.adapter ?? (options.preset !== undefined || options.mapping !== undefined ? 'plain' : undefined);
      const request = { ...buildRequest(context, options), adapter };
      noticeMissing(context, request);
      return say(context, await call(context, 'PUT', name, request), 'is added');
    }),
  );
  settings(
    agent.command('edit <name>').description('change an agent; what is not given stays; "none" clears a setting'),
  )
    .option('--unset-env <name>', 'forget a variable (repeatable)', collect)
    .action((name: string, options: Options) =>
      register({ json: options.json ?? false }, async (context) => {
        const request = buildRequest(context, options);
        if (Object.values(request).every((value) => value === undefined))
          throw new ClipError('usage', 'There is nothing to change.', 'clip agent edit --help lists the settings.');
        noticeMissing(context, request);
        return say(context, await call(context, 'PATCH', name, request), 'is changed');
      }),
    );
  agent
    .command('list')
    .alias('ls')
    .description('all agents')
    .option('--json', 'as JSON')
    .action((options: Options) => register({ json: options.json ?? false }, list));
  agent
    .command('show <name>')
    .description('everything about an agent but the values of its variables')
    .option('--json', 'as JSON')
    .action((name: string, options: Options) =>
      register({ json: options.json ?? false }, async (context) => {
        const answer = await call(context, 'GET', name);
        if (context.json) context.printJson(answer);
        else context.print(factsText(context, answer.agent));
        return 0;
      }),
    );
  agent
    .command('pause <name>')
    .description('start nothing more; what it is doing may finish')
    .option('--now', 'stop its live runs, too')
    .option('--json', 'as JSON')
    .action((name: string, options: { now?: boolean; json?: boolean }) =>
      register({ json: options.json ?? false }, (context) => pause(context, name, true, options.now ?? false)),
    );
  agent
    .command('resume <name>')
    .description('start waiting runs again')
    .option('--json', 'as JSON')
    .action((name: string, options: { json?: boolean }) =>
      register({ json: options.json ?? false }, (context) => pause(context, name, false, false)),
    );
  agent
    .command('rm <name>')
    .description('remove an agent; its runs stay')
    .option('--json', 'as JSON')
    .action((name: string, options: Options) =>
      register({ json: options.json ?? false }, async (context) =>
        say(context, await call(context, 'DELETE', name), 'is removed'),
      ),
    );
  agent
    .command('check <name>')
    .description('prove that its program is there, starts and answers; asks the model one short question')
    .option('--no-ask', 'only look for the program and its version')
    .option('--json', 'as JSON')
    .action((name: string, options: { ask: boolean; json?: boolean }) =>
      register({ json: options.json ?? false }, (context) => checkAgent(context, name, options.ask)),
    );
}

function settings(command: Command): Command {
  return limitOptions(command)
    .addOption(new Option('--adapter <adapter>', 'how it is started and read').choices(adapterNames))
    .option('--preset <name>', 'a plain agent that clip knows: qwen, cursor, copilot, amp, aider, goose')
    .option('--mapping <file>', 'a plain agent described by a JSON file (docs/agents/presets-and-mappings.md)')
    .option(
      '--command <path>',
      'its program, or the URL of an http agent (default: the adapter’s own name on the PATH)',
    )
    .option('--model <model>', 'the model it shall use')
    .option('--role <role>', 'a word for what it does')
    .option('--cwd <dir>', 'work folder of its runs (default: where clip run is called)')
    .option('--arg <arg>', 'one more argument for the program (repeatable; replaces the ones before)', collect)
    .option(
      '--env <K=V>',
      'a variable for its runs, kept in a file of its own (repeatable; edit --unset-env forgets one)',
      collectPair,
    )
    .option('--env-from <file>', 'a file of KEY=VALUE lines, read at each run')
    .option('--timeout <duration>', 'stop its runs after this long', orNone(duration('--timeout')))
    .option(
      '--silence <duration>',
      'stop its runs when they have said and done nothing for this long',
      orNone(duration('--silence')),
    )
    .option('--grace <duration>', 'time between SIGTERM and SIGKILL (default 20s)', orNone(duration('--grace')))
    .option('--concurrency <n>', 'its runs at a time (default 1)', positiveNumber)
    .option('--prompt-template <file>', 'a text with {{prompt}} in it, read at each run')
    .addOption(new Option('--leftovers <what>', 'processes its runs leave behind').choices(['stop', 'leave', 'none']))
    .addOption(
      new Option('--permission <mode>', 'what it may do without asking (default ask); full means everything').choices(
        permissions,
      ),
    )
    .option('--share-worktree', 'its runs may work beside others in one worktree')
    .option('--no-share-worktree', 'one run in a worktree at a time (default)')
    .option('--json', 'as JSON');
}

function buildRequest(context: Context, options: Options): Record<string, unknown> {
  const word = (value: string | undefined) => (value === cleared ? null : value);
  const path = (value: string | undefined) =>
    value === undefined || value === cleared ? word(value) : resolve(context.cwd(), value);
  const { command } = options;
  return {
    adapter: options.adapter,
    preset: word(options.preset),
    mapping:
      options.mapping === undefined
        ? undefined
        : options.mapping === cleared
          ? null
          : mappingIn(resolve(context.cwd(), options.mapping)),
    // A name is searched on the PATH of each run. A path means one program.
    command: command?.includes('/') && !/^https?:/.test(command) ? path(command) : word(command),
    model: word(options.model),
    role: word(options.role),
    cwd: path(options.cwd),
    args: options.arg?.length === 1 && options.arg[0] === cleared ? [] : options.arg,
    env: options.env,
    unsetEnv: options.unsetEnv,
    envFile: path(options.envFrom),
    timeoutMs: unlessCleared(options.timeout),
    silenceMs: unlessCleared(options.silence),
    graceMs: unlessCleared(options.grace),
    concurrency: options.concurrency,
    promptTemplate: path(options.promptTemplate),
    leftovers: word(options.leftovers),
    permission: options.permission,
    sharesWorktree: options.shareWorktree,
    ...limitsIn(options),
    timerEnvironment: typeof options.every === 'number' ? collectEnvironment(context.env) : undefined,
  };
}

/** Warns about paths that do not exist. That is not an error, but rarely intended. */
function noticeMissing(context: Context, { command, cwd, envFile, promptTemplate }: Record<string, unknown>): void {
  for (const path of [command, cwd, envFile, promptTemplate])
    if (typeof path === 'string' && path.startsWith('/') && !existsSync(path))
      context.notice(`${clean(path)} does not exist${/\s-/.test(path) ? '; arguments are given with --arg' : ''}.`);
}

function mappingIn(path: string): unknown {
  try {
    return JSON.parse(readFileWithin(path, limits.bodyBytesMax, 'A mapping is a few rules.').toString('utf8'));
  } catch (error) {
    throw new ClipError(
      'usage',
      `The mapping ${path} cannot be read: ${whyUnreadable(error)}.`,
      'docs/agents/presets-and-mappings.md has a worked example.',
      error,
    );
  }
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
  context.print(
    `Agent ${clean(agent.name)} (${agent.adapter}${agent.restrained ? `, permission ${agent.permission}` : ''}) ${what}.`,
  );
  if (answer.note) context.notice(answer.note);
  if (what === 'is added')
    context.notice(
      `Is all there? clip agent check ${clean(agent.name)}   Then: clip run --agent ${clean(agent.name)} "…"`,
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
  else {
    const columns = [
      { title: 'AGENT', cell: ({ name }: AgentView) => clean(name) },
      { title: 'ADAPTER', cell: ({ adapter, preset }: AgentView) => preset ?? adapter },
      { title: 'MODEL', cell: ({ model }: AgentView) => clean(model ?? '–'), from: 60, flexible: true },
      { title: 'PERMISSION', cell: (agent: AgentView) => formatPermission(context, agent), from: 50 },
      { title: 'STATE', cell: formatState },
      { title: 'ROLE', cell: ({ role }: AgentView) => clean(role ?? '–'), from: 80, flexible: true },
    ];
    context.print(table(answer.agents, columns, context.look));
  }
  return 0;
}

function formatState({ pausedBy, liveRuns, concurrency }: AgentView): string {
  if (pausedBy !== null) return pausedBy === 'budget' ? 'budget used up' : 'paused';
  return liveRuns === 0 ? 'free' : `${liveRuns} of ${concurrency} busy`;
}

/** Formats the permission. `full` is highlighted. */
function formatPermission({ look }: Context, { permission, restrained }: AgentView): string {
  if (!restrained) return '–';
  return permission === 'full' ? paint(permission, 33, look) : permission;
}

function factsText(context: Context, agent: AgentView): string {
  const time = (seconds: number | null) => (seconds === null ? null : formatDuration(seconds * 1_000));
  const facts: [string, string | null][] = [
    [
      'adapter',
      agent.mapped
        ? `${agent.adapter}, ${agent.preset === null ? 'with a mapping of its stream' : `preset ${agent.preset}`}`
        : agent.adapter,
    ],
    ['command', agent.command === null ? null : clean(agent.command)],
    ['arguments', agent.args.length === 0 ? null : clean(formatCommand(agent.args))],
    ['model', agent.model === null ? null : clean(agent.model)],
    ['role', agent.role === null ? null : clean(agent.role)],
    ['permission', agent.restrained ? formatPermission(context, agent) : '–, clip does not know how to restrain it'],
    ['folder', agent.cwd === null ? null : clean(agent.cwd)],
    ['variables', agent.env.length === 0 ? null : clean(agent.env.join(' '))],
    ['env file', agent.envFile === null ? null : clean(agent.envFile)],
    ['template', agent.promptTemplate === null ? null : clean(agent.promptTemplate)],
    ['time limit', time(agent.timeoutSec)],
    ['silence', time(agent.silenceSec)],
    ['grace', time(agent.graceSec)],
    [
      'at a time',
      `${plural(agent.concurrency, 'run')}${agent.sharesWorktree ? ', worktrees shared' : ', one in a worktree'}`,
    ],
    ['leftovers', agent.leftovers],
    ...limitFacts(agent),
    ['state', formatState(agent)],
    ['why', agent.pausedBy === 'budget' ? clean(agent.pausedReason ?? '') : null],
    ['id', agent.id],
  ];
  const rows = facts.filter(([, value]) => value !== null).map(([name, value]) => `  ${name.padEnd(12)}${value}`);
  return `${paint(`Agent ${clean(agent.name)}`, 1, context.look)}\n${rows.join('\n')}`;
}
