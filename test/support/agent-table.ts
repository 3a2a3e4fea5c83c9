/**
 * Collects the result of each scenario with each agent CLI, and prints one table at the end. Workers and the main
 * process share a file.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { type CliName, cliNames } from './agent-clis.ts';

/** The scenarios in the order of the table. */
export const scenarioNames = [
  'plain',
  'tool_shell',
  'tool_write',
  'plan_only',
  'empty',
  'long prompt',
  'denied',
  'http_401',
  'http_429',
  'http_500',
  'context_exceeded',
  'hang + timeout',
  'hang + cancel',
  'tool_long + cancel',
  'tool_trap + cancel',
  'tool_background + cancel',
  'tool_daemon',
  'tool_background',
  'session, again',
  'session gone',
  'agent killed, retry',
  'run lost',
  'daemon killed',
  'task goes on',
  'task exhausted',
  'same bytes',
  'touch',
  'growing log',
  'two states',
  'revert',
  'person beside',
  'report, full',
  'report, edit',
  'report, ask',
  'report and more',
  'budget',
  'killed, counted',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export type Row = {
  readonly cli: CliName;
  /** Null stands for the whole CLI. */
  readonly scenario: ScenarioName | null;
  /** The end of the run in short. */
  readonly result: string;
  /** The failure of the test, or null when it passed. */
  readonly problem: string | null;
};

export function record(file: string, row: Row): void {
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

export function readRows(file: string): Row[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]));
}

/** Returns Markdown: one row per scenario and one column per CLI, followed by the failures and the skipped tests. */
export function tableOf(rows: readonly Row[]): string {
  const cell = (scenario: ScenarioName, cli: CliName) => {
    const row = rows.findLast((one) => one.cli === cli && one.scenario === scenario);
    return row === undefined ? '–' : `${row.problem === null ? '' : '✗ '}${row.result}`;
  };
  const lines = scenarioNames.map((scenario) => [scenario, ...cliNames.map((cli) => cell(scenario, cli))]);
  const all = [['scenario', ...cliNames], ...lines];
  const widths = all[0]?.map((_, column) => Math.max(3, ...all.map((line) => line[column]?.length ?? 0))) ?? [];
  const draw = (line: readonly string[]) =>
    `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = all;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const ordered = [...rows].sort((a, b) => placeOf(a) - placeOf(b));
  const failed = ordered.flatMap(({ cli, scenario, problem }) =>
    problem !== null && scenario !== null ? [`- failed: ${cli}, ${scenario}: ${problem}`] : [],
  );
  const skipped = ordered.flatMap(({ cli, scenario, problem }) =>
    problem !== null && scenario === null ? [`- skipped: ${cli}: ${problem}`] : [],
  );
  return [draw(head), rule, ...body.map(draw), '', ...failed, ...skipped, ''].join('\n');
}

const placeOf = ({ cli, scenario }: Row): number =>
  cliNames.indexOf(cli) * 100 + (scenario === null ? -1 : scenarioNames.indexOf(scenario));
