/** Renders tools of an agent: what was run, how it ended, its output and its changes. */

import { pathToFileURL } from 'node:url';
import type { TranscriptChange, TranscriptItem } from '#adapters/transcript/item.ts';
import { reportMarker } from '#run/agent-report.ts';
import { cutText } from '#run/cut-text.ts';
import { formatDuration, plural } from '../../format/format.ts';
import type { Colour } from '../../terminal/style.ts';
import { type Span, span, wrap } from '../../terminal/styled-text.ts';
import type { RenderOptions } from './render-options.ts';

export type ToolStarted = TranscriptItem & { readonly type: 'tool-started' };
export type ToolEnded = TranscriptItem & { readonly type: 'tool-ended' };
/** A tool call. `head`: its start was already shown. */
export type Call = { readonly started: ToolStarted | null; readonly head: boolean; readonly isLast: boolean };

const commandLines = 6;
const outputHead = 4;
const outputTail = 5;
/** The length of one line of output on a terminal. */
const outputLineLength = 400;

/** Formats the head of a tool: `$ make test`, `Read src/a.ts`. */
export function headSpans({ kind, command, tool, target }: ToolStarted, manner: RenderOptions): Span[] {
  if (kind === 'command' && command !== null)
    return [span('$ ', 'gray'), span(folded(manner.words(command).trim()), 'bold')];
  const about = target === null ? '' : ` ${shortPath(manner.oneLine(target), manner.cwd)}`;
  return [span(manner.oneLine(tool), 'cyan'), span(about)];
}

/** Returns the beginning of a long script. */
function folded(command: string): string {
  const lines = command.split('\n');
  if (lines.length <= commandLines) return command;
  return [...lines.slice(0, commandLines - 1), `… ${plural(lines.length - commandLines + 1, 'more line')}`].join('\n');
}

/** Renders the head of a tool. */
export function headLines(started: ToolStarted, manner: RenderOptions): string[] {
  return wrap(headSpans(started, manner), manner.look, { first: '', rest: '  ' });
}

/** Renders the end of a tool, on the line of its head when nothing came in between. */
export function endLines(call: Call, ended: ToolEnded, manner: RenderOptions): string[] {
  const { look } = manner;
  const changes = listChanges(call.started, ended);
  const end = endSpans(call.started, ended);
  const output = outputLines(call.started, ended, manner);
  if (changes.length > 0 && !call.head) return [...changes.flatMap((change) => changeLines(change, manner)), ...output];
  const head = call.started === null ? [span('a tool that began before')] : headSpans(call.started, manner);
  // The end follows the first line of a script. Its other lines come below.
  const [first, ...others] = head.some(({ text }) => text.includes('\n')) ? splitHead(head) : [head];
  const line =
    call.head && call.isLast
      ? [span('  '), ...end.slice(1)]
      : [...(call.head ? shortened(first ?? []) : (first ?? [])), ...end];
  const shown = call.head && end.length === 0 ? [] : wrap(line, look, { first: '', rest: '    ' });
  const rest = call.head ? [] : others.flatMap((spans) => wrap(spans, look, { first: '  ', rest: '    ' }));
  return [...shown, ...rest, ...(call.head ? changes.flatMap((change) => changeLines(change, manner)) : []), ...output];
}

function splitHead(head: readonly Span[]): Span[][] {
  const [mark = span(''), words = span('')] = head;
  const [first = '', ...others] = words.text.split('\n');
  return [[mark, { ...words, text: first }], ...others.map((text) => [{ ...words, text }])];
}

const shortLength = 60;

function shortened(head: readonly Span[]): Span[] {
  return head.map((each) => ({
    ...each,
    text: each.text.length > shortLength ? `${cutText(each.text, shortLength)}…` : each.text,
  }));
}

/** Formats ` → exit 0 · 1.2 s`. Empty for a successful read without a duration. */
function endSpans(started: ToolStarted | null, { exitCode, failed, denied, durationMs, at }: ToolEnded): Span[] {
  const between = at === null || started === null || started.at === null || at < started.at ? null : at - started.at;
  const ms = durationMs ?? between;
  const time = ms === null ? [] : [span(` · ${formatDuration(ms)}`, 'gray')];
  const arrow = (words: string, colour: Colour) => [span(' '), span(`→ ${words}`, colour), ...time];
  if (denied) return arrow('not allowed', 'yellow');
  if (exitCode !== null) return arrow(`exit ${exitCode}`, exitCode === 0 ? 'green' : 'red');
  if (failed) return arrow('failed', 'red');
  // Without an exit code, only the end itself is known.
  return started?.kind === 'command' ? arrow('ended', 'gray') : time.length === 0 ? [] : [span(''), ...time];
}

/** Returns the changes of a tool from its end. Missing line counts come from its start. */
function listChanges(started: ToolStarted | null, { changes, failed, denied }: ToolEnded): readonly TranscriptChange[] {
  if (failed || denied) return [];
  const planned = started?.changes ?? [];
  if (changes.length === 0) return planned;
  return changes.map((change) => {
    const told = change.added === null ? planned.find(({ path }) => path === change.path) : undefined;
    return told === undefined ? change : { ...change, added: told.added, removed: told.removed };
  });
}

const letters = { add: 'A', update: 'M', delete: 'D' } as const;

/** Formats a change: `M src/a.ts +3 −1`. */
function changeLines({ path, kind, added, removed }: TranscriptChange, manner: RenderOptions): string[] {
  const name = manner.oneLine(path);
  const letter = kind === null ? 'W' : letters[kind];
  const absolute = path.startsWith('/') ? path : manner.cwd === null ? null : `${manner.cwd}/${path}`;
  const counts = [
    ...(added === null ? [] : [span(` +${added}`, 'green')]),
    ...(removed === null ? [] : [span(` −${removed}`, 'red')]),
  ];
  const target = absolute === null ? null : pathToFileURL(absolute).href;
  return wrap(
    [
      span(`${letter} `, kind === 'delete' ? 'red' : 'yellow'),
      { ...span(shortPath(name, manner.cwd)), target },
      ...counts,
    ],
    manner.look,
    {
      first: '',
      rest: '  ',
    },
  );
}

function shortPath(path: string, cwd: string | null): string {
  return cwd !== null && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

/** Renders the output of a command, or the error of another tool. The content of read files is not shown. */
function outputLines(
  started: ToolStarted | null,
  { output, failed, denied }: ToolEnded,
  manner: RenderOptions,
): string[] {
  if (output === null || (started?.kind !== 'command' && !failed && !denied)) return [];
  const lines = formatLines(manner.words(output));
  const hidden = lines.length - outputHead - outputTail;
  const rows = hidden <= 1 ? lines : [...lines.slice(0, outputHead), null, ...lines.slice(-outputTail)];
  return rows.flatMap((line) => {
    const text = line ?? `… ${plural(hidden, 'more line')}${manner.hint === null ? '' : `: ${manner.hint}`}`;
    const short =
      manner.look.width !== null && text.length > outputLineLength ? `${cutText(text, outputLineLength)}…` : text;
    return wrap([span(short, 'gray')], manner.look, { first: '    ', rest: '      ' });
  });
}

/** Removes report lines, which are shown separately, and empty lines around the output. */
function formatLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => !line.includes(reportMarker.trim()));
  while (lines.at(-1)?.trim() === '') lines.pop();
  while (lines[0]?.trim() === '') lines.shift();
  return lines;
}
