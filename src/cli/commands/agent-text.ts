/** Formats agents: a table of all, or the facts of one. */
import type { AgentView } from '#protocol/agents.ts';
import { wireLimits } from '#protocol/wire-limits.ts';
import { cleanFact, type Fact, formatFacts } from '../format/facts.ts';
import { formatCommand, formatDuration, plural } from '../format/format.ts';
import { table } from '../format/table.ts';
import { clean } from '../terminal/clean.ts';
import { paint, type TextStyle } from '../terminal/style.ts';
import { limitFacts } from './agent-options.ts';

/** Formats a table of agents. */
export function agentTable(look: TextStyle, agents: readonly AgentView[]): string {
  const columns = [
    { title: 'AGENT', cell: ({ name }: AgentView) => clean(name) },
    { title: 'ADAPTER', cell: ({ adapter, preset }: AgentView) => preset ?? adapter },
    { title: 'MODEL', cell: ({ model }: AgentView) => clean(model ?? '–'), from: 60, flexible: true },
    { title: 'PERMISSION', cell: (agent: AgentView) => formatPermission(look, agent), from: 50 },
    { title: 'STATE', cell: formatState },
    { title: 'ROLE', cell: ({ role }: AgentView) => clean(role ?? '–'), from: 80, flexible: true },
  ];
  return table(agents, columns, look);
}

function formatState({ pausedBy, liveRuns, concurrency }: AgentView): string {
  if (pausedBy !== null) return pausedBy === 'budget' ? 'budget used up' : 'paused';
  if (liveRuns === 0) return 'free';
  return concurrency === wireLimits.agentConcurrencyMax ? `${liveRuns} busy` : `${liveRuns} of ${concurrency} busy`;
}

/** Formats the permission. `full` is highlighted. */
function formatPermission(look: TextStyle, { permission, restrained }: AgentView): string {
  if (!restrained) return '–';
  return permission === 'full' ? paint(permission, 'yellow', look) : permission;
}

/** Formats all settings of an agent, one line each. Variables are shown without their values. */
export function agentFacts(look: TextStyle, agent: AgentView): string {
  const time = (seconds: number | null) => (seconds === null ? null : formatDuration(seconds * 1_000));
  const facts: Fact[] = [
    [
      'adapter',
      agent.mapped
        ? `${agent.adapter}, ${agent.preset === null ? 'with a mapping of its stream' : `preset ${agent.preset}`}`
        : agent.adapter,
    ],
    ['command', cleanFact(agent.command)],
    ['arguments', agent.args.length === 0 ? null : clean(formatCommand(agent.args))],
    ['model', cleanFact(agent.model)],
    ['role', cleanFact(agent.role)],
    ['permission', agent.restrained ? formatPermission(look, agent) : '–, clip does not know how to restrain it'],
    ['folder', cleanFact(agent.cwd)],
    ['variables', agent.env.length === 0 ? null : clean(agent.env.join(' '))],
    ['env file', cleanFact(agent.envFile)],
    ['template', cleanFact(agent.promptTemplate)],
    ['time limit', time(agent.timeoutSec)],
    ['silence', time(agent.silenceSec)],
    ['grace', time(agent.graceSec)],
    [
      'at a time',
      agent.concurrency === wireLimits.agentConcurrencyMax
        ? 'one in each worktree'
        : `${plural(agent.concurrency, 'run')}${agent.sharesWorktree ? ', worktrees shared' : ', one in a worktree'}`,
    ],
    ['leftovers', agent.leftovers],
    ...limitFacts(agent),
    ['state', formatState(agent)],
    ['why', agent.pausedBy === 'budget' ? clean(agent.pausedReason ?? '') : null],
    ['id', agent.id],
  ];
  return formatFacts(look, `Agent ${clean(agent.name)}`, facts);
}
