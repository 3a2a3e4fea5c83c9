/** Bar charts of runs and costs per day and agent, fitted to the terminal. */
import type { LedgerAnswer, Sum } from '#protocol/tasks.ts';
import { clean } from '../terminal/clean.ts';
import { type Colour, paint, type TextStyle } from '../terminal/style.ts';
import { cutToWidth, measureWidth } from '../terminal/width.ts';
import { plural } from './format.ts';
import { formatCost } from './totals.ts';

type Row = { readonly name: string; readonly sum: Sum | null };

const daysMax = 31;
const agentsMax = 20;
const nameMax = 20;
/** The width without a terminal. */
const widthUsual = 80;
const barMin = 4;
const day = 86_400_000;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** Formats the four charts, or a sentence when no run has ended. */
export function chartText(look: TextStyle, { byDay, byAgent, ...hidden }: LedgerAnswer['totals']): string {
  const days = withGaps(byDay.map(({ day: name, ...sum }) => ({ name, sum })));
  if (days.length === 0) return 'No runs of agents or tasks have ended yet.';
  const agents = byAgent
    .map(({ agent, ...sum }) => ({ name: agent === null ? 'no agent' : clean(agent), sum }))
    .sort((a, b) => b.sum.runs - a.sum.runs);
  const parts = [
    section(look, { title: 'Runs per day', rows: days.slice(-daysMax), of: countRuns, colour: 'blue' }),
    section(look, { title: 'Spend per day', rows: days.slice(-daysMax), of: sumSpend, colour: 'green' }),
    section(look, { title: 'Runs per agent', rows: agents.slice(0, agentsMax), of: countRuns, colour: 'blue' }),
    section(look, { title: 'Spend per agent', rows: agents.slice(0, agentsMax), of: sumSpend, colour: 'green' }),
  ];
  const agentsMore = agents.length + hidden.agentsHidden - agentsMax;
  const more = [
    ...(hidden.daysHidden
      ? ['earlier days not shown']
      : days.length > daysMax
        ? [`${plural(days.length - daysMax, 'earlier day')} not shown`]
        : []),
    ...(agentsMore > 0 ? [`${plural(agentsMore, 'more agent')} not shown`] : []),
  ];
  return [...parts, ...(more.length === 0 ? [] : [paint(more.join(', '), 'gray', look)])].join('\n\n');
}

type Measure = { readonly value: number; readonly words: string };

function countRuns(sum: Sum | null): Measure {
  return { value: sum?.runs ?? 0, words: sum === null ? 'none' : String(sum.runs) };
}

/** Returns the known cost as the bar. Unknown costs are named after it. */
function sumSpend(sum: Sum | null): Measure {
  if (sum === null) return { value: 0, words: 'no runs' };
  return { value: sum.costUsd, words: formatCost(sum).replace('cost unknown', 'unknown').replace(' and ', ' + ') };
}

type Section = {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly of: (sum: Sum | null) => Measure;
  readonly colour: Colour;
};

function section(look: TextStyle, { title, rows, of, colour }: Section): string {
  const measures = rows.map(({ sum }) => of(sum));
  const most = Math.max(...measures.map(({ value }) => value));
  const width = look.width ?? widthUsual;
  const words = Math.max(...measures.map((each) => measureWidth(each.words)));
  const names = Math.min(
    nameMax,
    Math.max(...rows.map(({ name }) => measureWidth(name))),
    Math.max(barMin, width - words - barMin - 2),
  );
  const room = Math.max(barMin, width - names - words - 2);
  const lines = rows.map(({ name }, index) => {
    const { value, words: said } = measures[index] ?? { value: 0, words: '' };
    const short = cutToWidth(name, names);
    const line = bar(most === 0 ? 0 : (value / most) * room);
    const gap = ' '.repeat(Math.max(0, names - measureWidth(short)));
    return `${short}${gap} ${line === '' ? '' : `${paint(line, colour, look)} `}${said}`;
  });
  return [paint(title, 'bold', look), ...lines].join('\n');
}

/** Returns the bar. A value above zero is always visible. */
function bar(columns: number): string {
  const steps = columns <= 0 ? 0 : Math.max(1, Math.round(columns * 8));
  return `${'█'.repeat(Math.floor(steps / 8))}${eighths[steps % 8] ?? ''}`;
}

/** Adds days without runs. A long gap is visible from its dates. */
function withGaps(days: readonly { readonly name: string; readonly sum: Sum }[]): Row[] {
  return days.flatMap((each, index): Row[] => {
    const before = days[index - 1];
    const gap = before === undefined ? 0 : Math.round((Date.parse(each.name) - Date.parse(before.name)) / day) - 1;
    const between =
      gap > 0 && gap < daysMax
        ? Array.from({ length: gap }, (_, at) => ({ name: dateAfter(before?.name ?? each.name, at + 1), sum: null }))
        : [];
    return [...between, each];
  });
}

function dateAfter(date: string, days: number): string {
  return new Date(Date.parse(date) + days * day).toISOString().slice(0, 10);
}
