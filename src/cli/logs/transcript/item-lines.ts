/** Renders transcript items as lines. It holds unfinished messages and open tools. */
import type { TranscriptItem } from '#adapters/transcript/item.ts';
import { formatPart, plural } from '../../format/format.ts';
import type { Colour } from '../../terminal/style.ts';
import { type Span, span, wrap } from '../../terminal/styled-text.ts';
import { markdownLines } from './markdown.ts';
import { createBlocks } from './markdown-blocks.ts';
import { OpenTools } from './open-tools.ts';
import type { RenderOptions } from './render-options.ts';
import { endLines, headLines } from './tool-lines.ts';
import { createUsed } from './usage-line.ts';

type ItemOf<Type extends TranscriptItem['type']> = Extract<TranscriptItem, { readonly type: Type }>;

const thoughtLines = 3;

/** The lines of one log, item by item. */
export class ItemLines {
  readonly #options: RenderOptions;
  readonly #blocks = createBlocks();
  readonly #tools = new OpenTools();
  readonly #used = createUsed();
  #above: 'nothing' | 'words' | 'other' = 'nothing';
  /** The tool whose head is the last line. */
  #lastHead: string | null = null;
  #lastSession = '';
  #lastError = '';

  constructor(options: RenderOptions) {
    this.#options = options;
  }

  /** Takes an item, and returns the lines that it completes. */
  add(item: TranscriptItem): string[] {
    if (item.type !== 'message') return [...this.#endMessage(), ...this.#renderItem(item)];
    if (item.delta) return this.#blocks.add(item.text).flatMap((text) => this.#renderMessage(text));
    return [...this.#endMessage(), ...this.#renderMessage(item.text)];
  }

  /** Returns the heads of open tools, because no more items come for now. */
  pause(): string[] {
    return this.#tools.takeUnshown().flatMap((started) => {
      const lines = this.#put('other', headLines(started, this.#options));
      this.#lastHead = started.id;
      return lines;
    });
  }

  /** Returns what would be shown if this were the end. It changes nothing. */
  unfinished(): string[] {
    const { words, look } = this.#options;
    return [
      ...markdownLines(words(this.#blocks.held()), look),
      ...this.#tools.listUnshown().flatMap((started) => headLines(started, this.#options)),
    ];
  }

  /** Returns the remaining lines once the log has ended. */
  rest(): string[] {
    const lines = [...this.#endMessage(), ...this.pause(), ...this.#renderNotEnded()];
    const sum = this.#used.words();
    return sum === null ? lines : [...lines, ...this.#putSpans([span(sum, 'gray')], '')];
  }

  #renderItem(item: Exclude<TranscriptItem, { type: 'message' }>): string[] {
    const { words, hint } = this.#options;
    switch (item.type) {
      case 'session':
        return this.#renderSession(item);
      case 'thought':
        return this.#put('other', renderThought(words(item.text), this.#options));
      case 'tool-started':
        this.#tools.begin(item);
        return [];
      case 'tool-ended':
        return this.#renderToolEnd(item);
      case 'retry':
        return this.#renderRetry(item);
      case 'error':
        return this.#renderError(item);
      case 'usage':
      case 'cost':
        this.#used.add(item);
        return [];
      case 'result':
        return this.#renderResult(item);
      case 'report':
        return this.#putSpans([span(`reports ${item.kind}: `, 'bold'), span(words(item.text))]);
      case 'note':
        return this.#renderNote(item);
      case 'line':
        return this.#putSpans([span(words(item.text), 'gray')], '');
      case 'left-out':
        return this.#mark('…', `a line too long to be read${hint === null ? '' : `: ${hint}`}`, 'yellow');
    }
  }

  #renderMessage(text: string): string[] {
    if (text.trim() === '') return [];
    return this.#put('words', markdownLines(this.#options.words(text), this.#options.look));
  }

  #endMessage(): string[] {
    return this.#renderMessage(this.#blocks.take());
  }

  #renderSession(item: ItemOf<'session'>): string[] {
    const words = item.words.map(this.#options.oneLine).join(' · ');
    if (words === this.#lastSession) return [];
    this.#lastSession = words;
    return this.#putSpans([span(`session ${words}`, 'gray')]);
  }

  #renderToolEnd(item: ItemOf<'tool-ended'>): string[] {
    const call = this.#tools.end(item);
    if (call === null) return [];
    const isLast = this.#lastHead === item.id;
    return this.#put('other', endLines({ ...call, isLast }, item, this.#options));
  }

  #renderRetry({ attempt, of, message }: ItemOf<'retry'>): string[] {
    const which = attempt === null ? '' : `, attempt ${formatPart(attempt, of)}`;
    return this.#mark('↻', `tries again${which}: ${message}`, 'yellow');
  }

  #renderError({ message }: ItemOf<'error'>): string[] {
    if (message === this.#lastError) return [];
    this.#lastError = message;
    return message.trim() === '' ? [] : this.#mark('✗', message, 'red');
  }

  #renderResult({ message }: ItemOf<'result'>): string[] {
    const sum = this.#used.words();
    const tail = sum === null ? [] : [span(` · ${sum}`, 'gray')];
    if (message === null) return this.#putSpans([span('✓ done', 'green'), ...tail]);
    const why = message === '' || message === this.#lastError ? '' : `: ${this.#options.words(message).trim()}`;
    return this.#putSpans([span(`✗ failed${why}`, 'red'), ...tail]);
  }

  #renderNote({ text, warning }: ItemOf<'note'>): string[] {
    if (warning) return this.#mark('!', text, 'yellow');
    const { words, look } = this.#options;
    return this.#put('other', wrap([span(words(text), 'cyan')], look, { first: '  ', rest: '  ' }));
  }

  #renderNotEnded(): string[] {
    const { size } = this.#tools;
    return size === 0 ? [] : this.#mark('…', `${plural(size, 'tool')} had not ended`, 'yellow');
  }

  #mark(sign: string, text: string, colour: Colour): string[] {
    return this.#putSpans([span(`${sign} `, colour), span(this.#options.words(text).trim(), colour)]);
  }

  /** Adds wrapped text. `rest`: the indent of its further lines. */
  #putSpans(spans: readonly Span[], rest = '  '): string[] {
    return this.#put('other', wrap(spans, this.#options.look, { first: '', rest }));
  }

  /** Adds lines. Messages are separated from everything else by an empty line. */
  #put(kind: 'words' | 'other', lines: readonly string[]): string[] {
    if (lines.length === 0) return [];
    const apart = this.#above !== 'nothing' && (kind === 'words' || this.#above === 'words');
    this.#above = kind;
    this.#lastHead = null;
    return apart ? ['', ...lines] : [...lines];
  }
}

function renderThought(text: string, { look }: RenderOptions): string[] {
  const lines = markdownLines(text.trim(), { ...look, colour: false, links: false }, { first: '~ ', rest: '  ' });
  const shown =
    lines.length <= thoughtLines
      ? lines
      : [...lines.slice(0, thoughtLines - 1), `  … ${plural(lines.length - thoughtLines + 1, 'more line')}`];
  return shown.flatMap((line) => wrap([span(line, 'gray')], { ...look, width: null }));
}
