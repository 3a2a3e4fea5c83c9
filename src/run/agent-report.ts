/**
 * What an agent says of itself with `clip report`, and the line that carries it where a sandbox keeps the
 * program from the daemon's socket: printed, it stands in the output of the agent's tool, and is read there.
 */
import { limits } from './limits.ts';
import { unseenInText } from './unseen.ts';

export const reportKinds = ['next', 'progress', 'blocked', 'done', 'summary'] as const;
export type ReportKind = (typeof reportKinds)[number];

export type ReportWords = {
  readonly kind: ReportKind;
  readonly text: string;
  /** Who can lift a blocker; null for other kinds, and where it is not said. */
  readonly who: string | null;
};

/** As it comes from a run. `id`: given by the sender, so that one that comes on two ways, or twice, is one. */
export type SentReport = ReportWords & { readonly id: string; readonly token: string };

/** Looked for first: few lines of a stream have it, and it costs next to nothing. */
export const reportMarker = '::clip-report ';

export function reportLine({ token, id, kind, text, who }: SentReport): string {
  return `${reportMarker}${token} ${JSON.stringify({ id, kind, text, who })}`;
}

/** The reports in this text, one in a line; what only looks like one is left out. */
export function reportsInText(text: string): readonly SentReport[] {
  if (!text.includes(reportMarker)) return [];
  return text.split('\n').flatMap((line) => readReportLine(line) ?? []);
}

/** Something may stand before it: a word of the tool that quotes the output, or what a program had begun to print. */
function readReportLine(line: string): SentReport | null {
  const begin = line.indexOf(reportMarker);
  const [, token, json] = /^([\w-]{1,200}) (\{.*\})\s*$/s.exec(begin < 0 ? '' : line.slice(begin + reportMarker.length)) ?? [];
  if (token === undefined || json === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  const { id, kind, text, who = null } = value as Readonly<Record<string, unknown>>;
  const known = reportKinds.find((name) => name === kind);
  if (known === undefined || !isShort(id, limits.reportIdLength) || !isShort(text, limits.reportTextLength)) return null;
  if (who !== null && !isShort(who, limits.nameLength)) return null;
  return { token, id, kind: known, text, who };
}

function isShort(value: unknown, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most;
}

/** As it is kept: without what steers a terminal, and a name for nothing but a blocker. */
export function cleanReport({ kind, text, who }: ReportWords): ReportWords {
  const name = who === null ? '' : cleanWords(who).replace(/\s+/g, ' ');
  return { kind, text: cleanWords(text), who: kind === 'blocked' && name !== '' ? name : null };
}

function cleanWords(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is taken out
      .replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g, '')
      .replace(unseenInText, '')
      .trim()
  );
}
