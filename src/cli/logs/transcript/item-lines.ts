/** Renders transcript items as lines. It holds unfinished messages and open tools. */

import type { TranscriptItem } from '#adapters/transcript/item.ts';
import { plural } from '../../format/format.ts';
import type { Colour } from '../../terminal/style.ts';
import { span, wrap } from '../../terminal/styled-text.ts';
import { markdownLines } from './markdown.ts';
import { type Blocks, createBlocks } from './markdown-blocks.ts';
import type { RenderOptions } from './render-options.ts';
import { endLines, headLines, type ToolEnded, type ToolStarted } from './tool-lines.ts';
import { createUsed } from './usage-line.ts';

export type ItemLines = {
  readonly add: (item: TranscriptItem) => string[];
  /** No more items come for now. Open tools are shown as started. */
  readonly pause: () => string[];
  /** Returns what would be shown if this were the end. It changes nothing. */
  readonly unfinished: () => string[];
  readonly rest: () => string[];
};

type Open = { readonly started: ToolStarted; head: boolean };
/** The number of open tools after which the oldest is forgotten. Its end was never reported. */
const openMax = 256;
const thoughtLines = 3;

export function createItemLines(manner: RenderOptions): ItemLines {
  const { look } = manner;
  const blocks: Blocks = createBlocks();
  const open = new Map<string, Open>();
  const over = new Set<string>();
  const used = createUsed();
  let above: 'nothing' | 'words' | 'other' = 'nothing';
  let lastHead: string | null = null;
  let lastSession = '';
  let lastError = '';

  /** Adds lines. Messages are separated from everything else by an empty line. */
  function put(kind: 'words' | 'other', lines: readonly string[]): string[] {
    if (lines.length === 0) return [];
    const apart = above !== 'nothing' && (kind === 'words' || above === 'words');
    above = kind;
    lastHead = null;
    return apart ? ['', ...lines] : [...lines];
  }

  const message = (text: string) => (text.trim() === '' ? [] : put('words', markdownLines(manner.words(text), look)));
  const formatEnd = () => message(blocks.take());
  const mark = (sign: string, text: string, colour: Colour) =>
    put(
      'other',
      wrap([span(`${sign} `, colour), span(manner.words(text).trim(), colour)], look, { first: '', rest: '  ' }),
    );

  function begin(started: ToolStarted): string[] {
    const known = open.get(started.id);
    open.set(started.id, { started: known?.started ?? started, head: known?.head ?? false });
    over.delete(started.id);
    const [oldest] = open.keys();
    if (open.size > openMax && oldest !== undefined) open.delete(oldest);
    return [];
  }

  function end(ended: ToolEnded): string[] {
    // Some CLIs report a refusal twice.
    if (over.has(ended.id)) return [];
    const call = open.get(ended.id);
    open.delete(ended.id);
    over.add(ended.id);
    const [oldest] = over;
    if (over.size > openMax && oldest !== undefined) over.delete(oldest);
    const lines = endLines(
      { started: call?.started ?? null, head: call?.head ?? false, isLast: lastHead === ended.id },
      ended,
      manner,
    );
    return put('other', lines);
  }

  function showHeads(): string[] {
    return [...open].flatMap(([id, call]) => {
      if (call.head) return [];
      call.head = true;
      const lines = put('other', headLines(call.started, manner));
      lastHead = id;
      return lines;
    });
  }

  function result(message: string | null): string[] {
    const sum = used.words();
    const tail = sum === null ? [] : [span(` · ${sum}`, 'gray')];
    if (message === null)
      return put('other', wrap([span('✓ done', 'green'), ...tail], look, { first: '', rest: '  ' }));
    const why = message === '' || message === lastError ? '' : `: ${manner.words(message).trim()}`;
    return put('other', wrap([span(`✗ failed${why}`, 'red'), ...tail], look, { first: '', rest: '  ' }));
  }

  function shown(item: Exclude<TranscriptItem, { type: 'message' }>): string[] {
    switch (item.type) {
      case 'session': {
        const words = item.words.map(manner.oneLine).join(' · ');
        if (words === lastSession) return [];
        lastSession = words;
        return put('other', wrap([span(`session ${words}`, 'gray')], look, { first: '', rest: '  ' }));
      }
      case 'thought':
        return put('other', thought(manner.words(item.text), manner));
      case 'tool-started':
        return begin(item);
      case 'tool-ended':
        return end(item);
      case 'retry': {
        const which =
          item.attempt === null ? '' : `, attempt ${item.attempt}${item.of === null ? '' : ` of ${item.of}`}`;
        return mark('↻', `tries again${which}: ${item.message}`, 'yellow');
      }
      case 'error':
        if (item.message === lastError) return [];
        lastError = item.message;
        return item.message.trim() === '' ? [] : mark('✗', item.message, 'red');
      case 'usage':
      case 'cost':
        used.add(item);
        return [];
      case 'result':
        return result(item.message);
      case 'report':
        return put(
          'other',
          wrap([span(`reports ${item.kind}: `, 'bold'), span(manner.words(item.text))], look, {
            first: '',
            rest: '  ',
          }),
        );
      case 'note':
        return item.warning
          ? mark('!', item.text, 'yellow')
          : put('other', wrap([span(manner.words(item.text), 'cyan')], look, { first: '  ', rest: '  ' }));
      case 'line':
        return put('other', wrap([span(manner.words(item.text), 'gray')], look));
      case 'left-out':
        return mark('…', `a line too long to be read${manner.hint === null ? '' : `: ${manner.hint}`}`, 'yellow');
    }
  }

  const notEnded = () => (open.size === 0 ? [] : mark('…', `${plural(open.size, 'tool')} had not ended`, 'yellow'));

  return {
    add(item) {
      if (item.type !== 'message') return [...formatEnd(), ...shown(item)];
      if (item.delta) return blocks.add(item.text).flatMap(message);
      return [...formatEnd(), ...message(item.text)];
    },
    pause: showHeads,
    unfinished: () => [
      ...markdownLines(manner.words(blocks.held()), look),
      ...[...open.values()].flatMap(({ started, head }) => (head ? [] : headLines(started, manner))),
    ],
    rest() {
      const words = [...formatEnd(), ...showHeads(), ...notEnded()];
      const sum = used.words();
      return sum === null ? words : [...words, ...put('other', wrap([span(sum, 'gray')], look))];
    },
  };
}

function thought(text: string, { look }: RenderOptions): string[] {
  const lines = markdownLines(text.trim(), { ...look, colour: false, links: false }, { first: '~ ', rest: '  ' });
  const shown =
    lines.length <= thoughtLines
      ? lines
      : [...lines.slice(0, thoughtLines - 1), `  … ${plural(lines.length - thoughtLines + 1, 'more line')}`];
  return shown.flatMap((line) => wrap([span(line, 'gray')], { ...look, width: null }));
}
