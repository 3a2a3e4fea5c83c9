/**
 * Reports that an agent sends with `clip report`, and the line that carries one when a sandbox keeps the program from
 * the daemon's socket. The line is printed to the output of the agent's tool and read from there.
 */

import { unseenInText } from './control-chars.ts';
import { limits } from './limits.ts';

export const reportKinds = ['next', 'progress', 'blocked', 'done', 'summary'] as const;
export type ReportKind = (typeof reportKinds)[number];

export type ReportWords = {
  readonly kind: ReportKind;
  readonly text: string;
  /** The person or team that can lift a blocker. Null for other kinds, and when the report names none. */
  readonly who: string | null;
};

/** A report as it arrives from a run. `id` comes from the sender, so a report that arrives twice counts once. */
export type SentReport = ReportWords & { readonly id: string; readonly token: string };

/** The marker of a report line. Searching for it first is cheap, and few lines of a stream have it. */
export const reportMarker = '::clip-report ';

/** Returns the line of output that carries a report, so that it arrives even without the daemon. */
export function reportLine({ token, id, kind, text, who }: SentReport): string {
  return `${reportMarker}${token} ${JSON.stringify({ id, kind, text, who })}`;
}

/** Returns the reports in this text, at most one per line. Lines that only resemble a report are left out. */
export function reportsInText(text: string): readonly SentReport[] {
  if (!text.includes(reportMarker)) return [];
  return text.split('\n').flatMap((line) => readReportLine(line) ?? []);
}

/**
 * Parses one line. Other text may precede the marker: a quoting prefix of the tool, or an unfinished line of the
 * program.
 */
function readReportLine(line: string): SentReport | null {
  const begin = line.indexOf(reportMarker);
  const [, token, json] =
    /^([\w-]{1,200}) (\{.*\})\s*$/s.exec(begin < 0 ? '' : line.slice(begin + reportMarker.length)) ?? [];
  if (token === undefined || json === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  const { id, kind, text, who = null } = value as Readonly<Record<string, unknown>>;
  const known = reportKinds.find((name) => name === kind);
  if (known === undefined || !isShort(id, limits.reportIdLength) || !isShort(text, limits.reportTextLength))
    return null;
  if (who !== null && !isShort(who, limits.nameLength)) return null;
  return { token, id, kind: known, text, who };
}

function isShort(value: unknown, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most;
}

/** Returns the report as it is stored: without terminal control sequences, and with `who` only for a blocker. */
export function cleanReport({ kind, text, who }: ReportWords): ReportWords {
  const name = who === null ? '' : formatClean(who).replace(/\s+/g, ' ');
  return { kind, text: formatClean(text), who: kind === 'blocked' && name !== '' ? name : null };
}

function formatClean(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is removed
      .replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g, '')
      .replace(unseenInText, '')
      .trim()
  );
}
