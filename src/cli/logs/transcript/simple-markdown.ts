/**
 * Reads the Markdown that most messages of agents are made of: paragraphs, headings, flat lists and fenced code, with
 * bold text and code in a line. The full parser takes many times as long. Of any other text nothing is read, so both
 * never differ: `test/pure/cli/logs/transcript/simple-markdown.test.ts` compares them.
 */
import type { Token, Tokens } from 'marked';

/** Parses a text. Returns null when it may hold anything that only the full parser can read. */
export function parseSimple(text: string): Token[] | null {
  if (text.includes('://') || text.includes('www.') || text.includes('\r')) return null;
  const lines = text.split('\n');
  const blocks: Token[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] as string;
    if (line === '') {
      at += 1;
      continue;
    }
    const block = readBlock(lines, at, blocks.at(-1)?.type === 'list');
    if (block === null) return null;
    blocks.push(block.token);
    at = block.end;
  }
  return blocks;
}

type Block = { readonly token: Token; readonly end: number };

function readBlock(lines: readonly string[], at: number, afterList: boolean): Block | null {
  const line = lines[at] as string;
  if (line.startsWith('```')) return readFence(lines, at);
  if (line.startsWith('#')) return readHeading(line, at);
  const marker = findMarker(line);
  if (marker === null) return readParagraph(lines, at);
  // Two lists with only an empty line between them are one list with more room.
  return afterList ? null : readList(lines, at, marker);
}

/** The beginning of fenced code, and its language. */
const fenceLine = /^```[\w+.-]*$/;

function readFence(lines: readonly string[], at: number): Block | null {
  if (!fenceLine.test(lines[at] as string)) return null;
  const end = lines.indexOf('```', at + 1);
  if (end < 0) return null;
  const text = lines.slice(at + 1, end);
  // The full parser reads an empty last line as two.
  if (!text.at(-1) || text.some((line) => line.includes('```') || line.includes('~~~'))) return null;
  return { token: { type: 'code', raw: '', text: text.join('\n') } satisfies Tokens.Code, end: end + 1 };
}

const headingLine = /^(#{1,6}) ([^#]*[^\s#])$/;

function readHeading(line: string, at: number): Block | null {
  const [, marks = '', text = ''] = headingLine.exec(line) ?? [];
  if (text === '' || !isWords(text)) return null;
  const tokens = parseInline(text);
  if (tokens === null) return null;
  return {
    token: { type: 'heading', raw: '', depth: marks.length, text, tokens } satisfies Tokens.Heading,
    end: at + 1,
  };
}

/** Blocks that need no empty line before them. An ordered list does unless it begins with 1. */
const endsParagraph = /^(?:```|[-*] |1\. |#{1,6} )/;

function readParagraph(lines: readonly string[], at: number): Block | null {
  let end = at;
  for (let line = lines[end]; line !== undefined && line !== ''; line = lines[end]) {
    if (!isWords(line)) {
      if (end > at && endsParagraph.test(line)) break;
      return null;
    }
    end += 1;
  }
  const text = end === at + 1 ? (lines[at] as string) : lines.slice(at, end).join('\n');
  const tokens = parseInline(text);
  return tokens && { token: { type: 'paragraph', raw: '', text, tokens } satisfies Tokens.Paragraph, end };
}

/** The beginning of a list item: a bullet, or a number. */
const marker = /^(?:([-*])|(\d{1,9})\.) /;

function findMarker(line: string): RegExpExecArray | null {
  const first = line.charCodeAt(0);
  return first === dash || first === star || isDigit(first) ? marker.exec(line) : null;
}

function readList(lines: readonly string[], at: number, first: RegExpExecArray): Block | null {
  const items: Tokens.ListItem[] = [];
  let end = at;
  for (let line = lines[end]; line !== undefined && line !== ''; line = lines[end]) {
    const mark = end === at ? first : marker.exec(line);
    if (mark === null || mark[1] !== first[1]) return null;
    const text = line.slice(mark[0].length);
    const tokens = isWords(text) ? parseInline(text) : null;
    if (tokens === null) return null;
    const content = { type: 'text', raw: '', text, tokens } satisfies Tokens.Text;
    items.push({ type: 'list_item', raw: '', task: false, loose: false, text, tokens: [content] });
    end += 1;
  }
  const ordered = first[1] === undefined;
  const start = ordered ? Number(first[2]) : '';
  return { token: { type: 'list', raw: '', ordered, start, loose: false, items } satisfies Tokens.List, end };
}

const [space, star, dash, backtick] = [0x20, 0x2a, 0x2d, 0x60];
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isLetter = (code: number): boolean => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
const isWordCode = (code: number): boolean => isLetter(code) || isDigit(code);

/** The beginning of a line of words: not that of a block, and no space. */
const wordsBegin =
  /^(?:[a-zA-Z"'(/.$%{?\u00a1-\u1fff\u2010-\u2027\u2030-\u2fff\u3001-\udfff]|`(?!``)|\*\*[a-zA-Z0-9`]|\d+(?![\d.)]))/;

/** Returns whether a line can only be words: the beginning of a paragraph, or a further line of it. */
function isWords(line: string): boolean {
  return (isLetter(line.charCodeAt(0)) || wordsBegin.test(line)) && line.charCodeAt(line.length - 1) !== space;
}

/** The characters of a line that may have a meaning in Markdown, and spaces that are more than a space. */
const meaningful = /[\\<[\]~@`*_\t\v\f\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]/g;

/** Parses the text of a paragraph, an item or a heading. Returns null for what only the full parser can read. */
function parseInline(text: string): Token[] | null {
  const tokens: Token[] = [];
  const parser = { text, isCodeSimple: true, hasStars: false };
  if (!readInline(parser, { from: 0, to: text.length }, tokens)) return null;
  // What stands in code may hide the end of bold text from the full parser.
  return parser.hasStars && !parser.isCodeSimple ? null : tokens;
}

type Parser = { readonly text: string; isCodeSimple: boolean; hasStars: boolean };
type Range = { readonly from: number; readonly to: number };

function readInline(parser: Parser, { from, to }: Range, tokens: Token[], inBold = false): boolean {
  const { text } = parser;
  let begin = from;
  const endText = (at: number) => {
    if (at > begin) tokens.push(textToken(text.slice(begin, at)));
  };
  for (let at = findMeaningful(text, from); at < to; at = findMeaningful(text, Math.max(at + 1, begin))) {
    const code = text.charCodeAt(at);
    if (code === backtick) {
      const end = endOfCode(text, at, to);
      if (end < 0) return false;
      endText(at);
      const inner = text.slice(at + 1, end);
      if (/[\\<[\]*_~]/.test(inner)) parser.isCodeSimple = false;
      tokens.push({ type: 'codespan', raw: '', text: inner } satisfies Tokens.Codespan);
      begin = end + 1;
    } else if (code === star) {
      const end = inBold ? -1 : endOfBold(text, at, to);
      if (end < 0) return false;
      endText(at);
      parser.hasStars = true;
      const inner: Token[] = [];
      if (!readInline(parser, { from: at + 2, to: end }, inner, true)) return false;
      tokens.push({ type: 'strong', raw: '', text: '', tokens: inner } satisfies Tokens.Strong);
      begin = end + 2;
    } else if (text[at] !== '_' || !isWordCode(text.charCodeAt(at - 1)) || !isWordCode(text.charCodeAt(at + 1)))
      return false;
  }
  endText(to);
  return true;
}

function textToken(text: string): Tokens.Text {
  return { type: 'text', raw: '', text };
}

function findMeaningful(text: string, from: number): number {
  meaningful.lastIndex = from;
  return meaningful.exec(text)?.index ?? text.length;
}

/** Returns the place of the backtick that ends code, or -1 when it is not code between two single ones on one line. */
function endOfCode(text: string, at: number, to: number): number {
  const end = text.indexOf('`', at + 1);
  if (end < 0 || end >= to || end === at + 1 || text.charCodeAt(end + 1) === backtick) return -1;
  const inner = text.slice(at + 1, end);
  return inner.includes('\n') || inner.startsWith(' ') || inner.endsWith(' ') ? -1 : end;
}

/** Returns the place of the stars that end bold text, or -1 when it is not clear that they begin and end it. */
function endOfBold(text: string, at: number, to: number): number {
  if (!/^\*\*[a-zA-Z0-9`]$/.test(text.slice(at, at + 3)) || !/^[\s(]?$/.test(text.slice(Math.max(0, at - 1), at)))
    return -1;
  const end = text.indexOf('**', at + 2);
  if (end < 0 || end + 2 > to || text.slice(at, end).includes('\n')) return -1;
  const before = text.charCodeAt(end - 1);
  const after = text.slice(end + 2, end + 3);
  const isClear = isWordCode(before)
    ? /^[\s.,:;!?)]?$/.test(after)
    : /^[`:.]$/.test(text[end - 1] ?? '') && /^\s?$/.test(after);
  return isClear ? end : -1;
}
