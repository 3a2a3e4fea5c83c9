/** Tools of an agent: what it ran, how that ended, what it printed and changed. */
import { pathToFileURL } from 'node:url';
import type { Change, Item } from '../../adapters/transcript/item.ts';
import { reportMarker } from '../../run/agent-report.ts';
import { durationWords, plural } from '../words.ts';
import type { Manner } from './manner.ts';
import { bold, cyan, green, grey, red, type Span, span, wrap, yellow } from './spans.ts';

export type Started = Item & { readonly type: 'tool-started' };
export type Ended = Item & { readonly type: 'tool-ended' };
/** `head`: it was shown already that it has begun. */
export type Call = { readonly started: Started | null; readonly head: boolean; readonly isLast: boolean };

const commandLines = 6;
const outputHead = 4;
const outputTail = 5;
/** Of one line of output, on a terminal. */
const outputLineLength = 400;

/** `$ make test`, `Read src/a.ts`. */
export function headSpans({ kind, command, tool, target }: Started, manner: Manner): Span[] {
  if (kind === 'command' && command !== null) return [span('$ ', grey), span(folded(manner.words(command).trim()), bold)];
  const about = target === null ? '' : ` ${shortPath(manner.oneLine(target), manner.cwd)}`;
  return [span(manner.oneLine(tool), cyan), span(about)];
}

/** A long script is known by its beginning. */
function folded(command: string): string {
  const lines = command.split('\n');
  if (lines.length <= commandLines) return command;
  return [...lines.slice(0, commandLines - 1), `… ${plural(lines.length - commandLines + 1, 'more line')}`].join('\n');
}

export function headLines(started: Started, manner: Manner): string[] {
  return wrap(headSpans(started, manner), manner.look, { first: '', rest: '  ' });
}

/** In one line with what it was, when nothing came in between. */
export function endLines(call: Call, ended: Ended, manner: Manner): string[] {
  const { look } = manner;
  const changes = changesOf(call.started, ended);
  const end = endSpans(call.started, ended);
  const output = outputLines(call.started, ended, manner);
  if (changes.length > 0 && !call.head) return [...changes.flatMap((change) => changeLines(change, manner)), ...output];
  const head = call.started === null ? [span('a tool that began before')] : headSpans(call.started, manner);
  // Said behind the first line of a script: the others stand below.
  const [first, ...others] = head.some(({ text }) => text.includes('\n')) ? splitHead(head) : [head];
  const line = call.head && call.isLast ? [span('  '), ...end.slice(1)] : [...(call.head ? shortened(first ?? []) : (first ?? [])), ...end];
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
  return head.map((each) => ({ ...each, text: each.text.length > shortLength ? `${each.text.slice(0, shortLength)}…` : each.text }));
}

/** ` → exit 0 · 1.2 s`; nothing for a read that went well and told no time. */
function endSpans(started: Started | null, { exitCode, failed, denied, durationMs, at }: Ended): Span[] {
  const between = at === null || started === null || started.at === null || at < started.at ? null : at - started.at;
  const ms = durationMs ?? between;
  const time = ms === null ? [] : [span(` · ${durationWords(ms)}`, grey)];
  const arrow = (words: string, colour: number) => [span(' '), span(`→ ${words}`, colour), ...time];
  if (denied) return arrow('not allowed', yellow);
  if (exitCode !== null) return arrow(`exit ${exitCode}`, exitCode === 0 ? green : red);
  if (failed) return arrow('failed', red);
  // No code was told: that it has ended is all there is to say.
  return started?.kind === 'command' ? arrow('ended', grey) : time.length === 0 ? [] : [span(''), ...time];
}

/** What its end tells counts; what it leaves out, its beginning may have told. */
function changesOf(started: Started | null, { changes, failed, denied }: Ended): readonly Change[] {
  if (failed || denied) return [];
  const planned = started?.changes ?? [];
  if (changes.length === 0) return planned;
  return changes.map((change) => {
    const told = change.added === null ? planned.find(({ path }) => path === change.path) : undefined;
    return told === undefined ? change : { ...change, added: told.added, removed: told.removed };
  });
}

const letters = { add: 'A', update: 'M', delete: 'D' } as const;

/** `M src/a.ts +3 −1`. */
function changeLines({ path, kind, added, removed }: Change, manner: Manner): string[] {
  const name = manner.oneLine(path);
  const letter = kind === null ? 'W' : letters[kind];
  const absolute = path.startsWith('/') ? path : manner.cwd === null ? null : `${manner.cwd}/${path}`;
  const counts = [...(added === null ? [] : [span(` +${added}`, green)]), ...(removed === null ? [] : [span(` −${removed}`, red)])];
  const target = absolute === null ? null : pathToFileURL(absolute).href;
  return wrap([span(`${letter} `, kind === 'delete' ? red : yellow), { ...span(shortPath(name, manner.cwd)), target }, ...counts], manner.look, {
    first: '',
    rest: '  ',
  });
}

function shortPath(path: string, cwd: string | null): string {
  return cwd !== null && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

/** What a command printed, and why another tool failed; files that were read are in the folder. */
function outputLines(started: Started | null, { output, failed, denied }: Ended, manner: Manner): string[] {
  if (output === null || (started?.kind !== 'command' && !failed && !denied)) return [];
  const lines = linesOf(manner.words(output));
  const hidden = lines.length - outputHead - outputTail;
  const rows = hidden <= 1 ? lines : [...lines.slice(0, outputHead), null, ...lines.slice(-outputTail)];
  return rows.flatMap((line) => {
    const text = line ?? `… ${plural(hidden, 'more line')}${manner.hint === null ? '' : `: ${manner.hint}`}`;
    const short = manner.look.width !== null && text.length > outputLineLength ? `${text.slice(0, outputLineLength)}…` : text;
    return wrap([span(short, grey)], manner.look, { first: '    ', rest: '      ' });
  });
}

/** Reports are shown as what they are; empty lines around say nothing. */
function linesOf(text: string): string[] {
  const lines = text.split('\n').filter((line) => !line.includes(reportMarker.trim()));
  while (lines.at(-1)?.trim() === '') lines.pop();
  while (lines[0]?.trim() === '') lines.shift();
  return lines;
}
