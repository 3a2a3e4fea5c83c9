/** Renders inline Markdown: bold, code, links. */
import type { Token, Tokens } from 'marked';
import type { Colour, TextStyle } from '../../terminal/style.ts';
import { type Span, span } from '../../terminal/styled-text.ts';

/** Returns the tokens of a paragraph as spans. Tags and unknown tokens stay as they are written. */
export function inlineSpans(tokens: readonly Token[], look: TextStyle): Span[] {
  return tokens.flatMap((token): Span[] => {
    switch (token.type) {
      case 'strong':
        return inlineSpans((token as Tokens.Strong).tokens, look).map((each) => ({
          ...each,
          colours: [...new Set<Colour>(['bold', ...each.colours])],
        }));
      case 'em':
      case 'del':
        return inlineSpans((token as Tokens.Em).tokens, look);
      case 'codespan':
        return [codeSpan((token as Tokens.Codespan).text, look)];
      case 'br':
        return [span('\n')];
      case 'link':
        return linkSpans(token as Tokens.Link, look);
      case 'image':
        return [span(`[image: ${(token as Tokens.Image).text || (token as Tokens.Image).href}]`)];
      case 'checkbox':
        return [span((token as Tokens.Checkbox).checked ? '[x] ' : '[ ] ')];
      case 'text':
        return 'tokens' in token && token.tokens
          ? inlineSpans(token.tokens, look)
          : [span((token as Tokens.Text).text)];
      case 'escape':
        return [span((token as Tokens.Escape).text)];
      default:
        return [span(token.raw)];
    }
  });
}

/** Returns code as a span. An absolute path becomes a link. */
function codeSpan(text: string, look: TextStyle): Span {
  const path = /^\/[^\s:*?]+$/.test(text) ? { target: text } : {};
  return { ...(look.colour ? span(text, 'cyan') : span(`\`${text}\``)), ...path };
}

/** Returns a link with its address, so that the text cannot hide where it leads. */
function linkSpans({ href, tokens, text }: Tokens.Link, look: TextStyle): Span[] {
  const words = inlineSpans(tokens, look).map(
    (each): Span => ({ ...each, colours: [...new Set<Colour>([...each.colours, 'blue'])], target: href }),
  );
  return text === href || `mailto:${text}` === href || href === '' ? words : [...words, span(` (${href})`)];
}
