/**
 * Prepares an agent's last message for analysis. Code, quotations, tables and data are separated from the agent's own
 * statements, and quoted words within a sentence are masked.
 */
import { cutText } from '#run/cut-text.ts';
import { isClipsSentence } from '../clips-words.ts';

/** Longer than any meaningful message. It bounds the time of the analysis. */
const lengthMax = 16_000;
const linesMax = 1_000;

export type LineKind = 'prose' | 'code' | 'other';
export type Line = {
  readonly kind: LineKind;
  /** The text as displayed, without list marks and emphasis. */
  readonly shown: string;
  /** The same text with code and quotations removed. */
  readonly text: string;
  readonly item: boolean;
  /** Whether it is a list item that is ticked off. */
  readonly ticked: boolean;
  readonly heading: boolean;
};

/** Returns the lines of a message with their kinds: prose, code, quotes. */
export function splitLines(words: string): readonly Line[] {
  const lines: Line[] = [];
  let fence: string | null = null;
  let before: 'blank' | 'prose' | 'code' | 'quote' = 'blank';
  for (const raw of normalised(words).split('\n').slice(0, linesMax)) {
    const mark: string | undefined = /^\s*(```|~~~)/.exec(raw)?.[1];
    if (fence !== null || mark !== undefined) {
      if (fence !== null && mark !== fence) lines.push(line('code', raw));
      fence = fence === null ? (mark ?? null) : mark === fence ? null : fence;
      before = 'code';
    } else if (raw.trim() === '') before = 'blank';
    else if (/^\s*>/.test(raw) || before === 'quote') {
      // A quotation extends to the next blank line.
      lines.push(line('other', raw));
      before = 'quote';
    } else if (/^(?: {4}|\t)/.test(raw) && (before === 'blank' || before === 'code') && !listMark.test(raw)) {
      lines.push(line('code', raw));
      before = 'code';
    } else {
      lines.push(line(/^\s*(?:\||[[{]["{[]|<!--)/.test(raw) ? 'other' : 'prose', raw));
      before = 'prose';
    }
  }
  return lines;
}

/** Returns the lines without the sentences that clip wrote: an agent that repeats its prompt does not say them. */
export function withoutEcho(lines: readonly Line[]): readonly Line[] {
  return lines.flatMap((each) => {
    // All sentences of clip begin with such a letter.
    if (each.kind !== 'prose' || !/[A-Z]/.test(each.shown)) return [each];
    const sentences = splitSentences(each.shown);
    const own = sentences.filter((sentence) => !isClipsSentence(sentence));
    if (own.length === sentences.length) return [each];
    const shown = own.join(' ');
    return shown === '' ? [] : [{ ...each, shown, text: withoutQuotations(compatible(shown)) }];
  });
}

/** Returns whether the message says anything. A placeholder for "nothing" does not. */
export function isUseful(words: string): boolean {
  const text = normalised(words).trim();
  return /[\p{L}\p{N}]/u.test(text) && !nothing.test(text);
}

const nothing =
  /^[\s([{<"'*_`]*(?:null|undefined|none|empty|n\/a|(?:no|empty) (?:content|output|response|text|message|answer|result)s?(?: (?:requested|provided|available|given|needed))?)[\s)\]}>"'*_`.!]*$/i;

/** Returns whether the text is "None", behind a label or below it. */
export function isNone(said: string): boolean {
  const bare = said.replace(/^[\s"'`*_([]+/, '');
  return /^(?:none\b|no\b(?! longer)|nothing\b|n\/?a\b|nil\b|nope\b|[-—–]+$|keine?[rsn]?\b|nichts\b|aucune?\b|rien\b|ningun[oa]?\b|nada\b|nenhuma?\b|нет(?!\p{L})|ничего|なし|ありません|特になし|无|無|没有|沒有|없음|없습니다)/iu.test(
    bare,
  );
}

/** Returns the sentences of a line, trimmed and without empty ones. */
export function splitSentences(text: string): readonly string[] {
  const sentences: string[] = [];
  let from = 0;
  // Much faster than a split with a look behind.
  for (const { index, 0: end } of text.matchAll(/[.!?]\s+|[。！？]/g)) {
    sentences.push(text.slice(from, index + 1).trim());
    from = index + end.length;
  }
  sentences.push(text.slice(from).trim());
  return sentences.filter((sentence) => sentence !== '');
}

/** Returns the text on one line, cut at the end to `most` characters. */
export function bounded(text: string, most: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= most) return line;
  return `${cutText(line, most - 1)}…`;
}

function normalised(words: string): string {
  return words
    .slice(0, lengthMax)
    .normalize('NFC')
    .replace(/\r\n?|\u2028|\u2029/g, '\n')
    .replace(/[\u200b-\u200d\u2060\ufeff\u00ad\u202a-\u202e\u2066-\u2069]/g, '')
    .replace(/[\u00a0\u202f\u3000]/g, ' ')
    .replace(/[\u2018\u2019\u02bc\uff07]/g, "'");
}

const listMark = /^\s*(?:[-*+•‣–]|\d{1,3}[.)])\s+/;

function line(kind: LineKind, raw: string): Line {
  const heading = /^\s*#{1,6}\s/.test(raw) || /^\s*\*\*[^*]+\*\*:?\s*$/.test(raw);
  const item = listMark.test(raw);
  const bare = raw.replace(/^\s*#{1,6}\s+/, '').replace(listMark, '');
  const ticked = /^\[[xX✓✔]\]|^[✅✔☑]/u.test(bare);
  const shown =
    kind === 'prose'
      ? bare
          .replace(/^\[[ xX✓✔]\]\s*/, '')
          .replace(/\*\*|__|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])/g, '')
          .replace(/^[^\p{L}\p{N}"'`“„«「『([<]+/u, '')
          .trim()
      : raw.trim();
  return { kind, shown, text: kind === 'prose' ? withoutQuotations(compatible(shown)) : '', item, ticked, heading };
}

/** Characters of another width or form: full-width letters, half-width kana, ligatures, circled numbers. */
const otherForms =
  /[\u2100-\u214f\u2460-\u24ff\u3131-\u318e\u3200-\u33ff\uf900-\ufb4f\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff61-\uffdc]/;

/** Returns the text with one form for each character (NFKC). Punctuation that ends a clause or a sentence stays. */
function compatible(text: string): string {
  return otherForms.test(text) ? text.replace(/[^\s，：；！？（）…]+/g, (part) => part.normalize('NFKC')) : text;
}

function withoutQuotations(text: string): string {
  return text
    .replace(/``?[^`]{1,400}``?/g, 'CODE')
    .replace(/"[^"]{0,600}"|[“„][^“”„]{0,600}[“”]|«[^«»]{0,600}»|「[^「」]{0,600}」|『[^『』]{0,600}』/g, 'QUOTE')
    .replace(/(?<=^|[\s(])'[^'\n]{2,300}'(?=[\s.,;:!?)]|$)/g, 'QUOTE');
}
