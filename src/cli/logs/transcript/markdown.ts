/** Renders Markdown for a terminal. The text comes from agents and people, so it is untrusted. The caller cleans it. */
import { lexer, type Token, type Tokens } from 'marked';
import { type Colour, paint, type TextStyle } from '../../terminal/style.ts';
import { type Indent, noIndent, type Span, span, wrap } from '../../terminal/styled-text.ts';
import { inlineSpans } from './inline-markdown.ts';
import { tableLines } from './markdown-table.ts';
import { parseSimple } from './simple-markdown.ts';

/** Texts that are longer, or nested deeper than real ones, are shown unchanged. */
const markdownMax = 64 * 1024;
const nestingMax = 40;

/** Renders a text, wrapped to the width of the terminal. */
export function markdownLines(text: string, look: TextStyle, indent: Indent = noIndent): string[] {
  const spaced = text.includes('\t') ? text.replaceAll('\t', '    ') : text;
  const source = spaced.endsWith('\n') ? spaced.replace(/\n+$/, '') : spaced;
  const tokens = isTooMuch(source) ? null : (parseSimple(source) ?? parseFully(source));
  return tokens === null ? wrap([span(source)], look, indent) : blockLines(tokens, look, indent);
}

/** Parses Markdown. Returns null for a text that cannot be rendered. */
export function parseTokens(text: string): Token[] | null {
  return isTooMuch(text) ? null : parseFully(text);
}

function parseFully(text: string): Token[] | null {
  try {
    return lexer(text, { gfm: true });
  } catch {
    return null;
  }
}

const nestedBlocks = new RegExp(`^(?:[ >*+-]|\\d+[.)] ){${2 * nestingMax},}\\S`, 'm');
const nestedMarks = new RegExp(`[\\[*_~]{${nestingMax},}`);

/** Returns whether a text is too long, or nested too deep. The lexer recurses once per level. */
function isTooMuch(text: string): boolean {
  if (text.length > markdownMax) return true;
  return text.length >= nestingMax && (nestedBlocks.test(text) || nestedMarks.test(text));
}

function blockLines(tokens: readonly Token[], look: TextStyle, indent: Indent, tight = false): string[] {
  const lines: string[] = [];
  for (const token of tokens) {
    const block = linesOfBlock(token, look, lines.length === 0 ? indent : { first: indent.rest, rest: indent.rest });
    if (block.length === 0) continue;
    if (lines.length > 0 && !tight) lines.push(indent.rest.trimEnd());
    lines.push(...block);
  }
  return lines;
}

function linesOfBlock(token: Token, look: TextStyle, indent: Indent): string[] {
  switch (token.type) {
    case 'heading':
      return headingLines(token as Tokens.Heading, look, indent);
    case 'paragraph':
    case 'text':
      return wrap(inlineSpans((token as Tokens.Paragraph).tokens ?? [token], look), look, indent);
    case 'code':
      return codeLines((token as Tokens.Code).text, look, indent);
    case 'blockquote': {
      const bar = paint('│ ', 'gray', look);
      return blockLines((token as Tokens.Blockquote).tokens, look, {
        first: `${indent.first}${bar}`,
        rest: `${indent.rest}${bar}`,
      });
    }
    case 'list':
      return listLines(token as Tokens.List, look, indent);
    case 'table':
      return tableLines(token as Tokens.Table, look, indent);
    case 'hr': {
      const length = Math.min(40, Math.max(3, (look.width ?? 80) - indent.rest.length));
      return [`${indent.first}${paint('─'.repeat(length), 'gray', look)}`];
    }
    case 'space':
    case 'def':
      return [];
    default:
      return wrap([span(token.raw.trimEnd())], look, indent);
  }
}

/** Renders a heading. Without colors its marks stay, because nothing else would show it. */
function headingLines({ depth, tokens }: Tokens.Heading, look: TextStyle, indent: Indent): string[] {
  const sign: Span[] = look.colour ? [] : [span(`${'#'.repeat(depth)} `)];
  const colours: readonly Colour[] = depth < 3 ? ['bold', 'cyan'] : ['bold'];
  const words = inlineSpans(tokens, look).map(
    (each): Span => ({ ...each, colours: [...new Set([...colours, ...each.colours])] }),
  );
  return wrap([...sign, ...words], look, indent);
}

/**
 * Renders code without wrapping at words, so that a copied line stays whole or breaks only at the edge of the terminal.
 */
function codeLines(text: string, look: TextStyle, indent: Indent): string[] {
  return text.split('\n').flatMap((line, index) => {
    const before = index === 0 ? indent.first : indent.rest;
    return wrap([span(line, 'cyan')], look, { first: `${before}  `, rest: `${indent.rest}  `, unbroken: true });
  });
}

function listLines({ items, ordered, start, loose }: Tokens.List, look: TextStyle, indent: Indent): string[] {
  const begin = typeof start === 'number' ? start : 1;
  const widest = String(begin + items.length - 1).length;
  return items.flatMap((item, index) => {
    const bullet = ordered ? `${String(begin + index).padStart(widest)}. ` : '• ';
    const box = item.task ? (item.checked ? '[x] ' : '[ ] ') : '';
    const mark = `${bullet}${box}`;
    const room = ' '.repeat(mark.length);
    const before = index === 0 ? indent.first : indent.rest;
    const tokens = item.tokens.filter(({ type }) => type !== 'checkbox');
    const lines =
      tokens.length === 0
        ? [`${before}${mark.trimEnd()}`]
        : blockLines(tokens, look, { first: `${before}${mark}`, rest: `${indent.rest}${room}` }, !loose);
    return loose && index > 0 ? [indent.rest.trimEnd(), ...lines] : lines;
  });
}
