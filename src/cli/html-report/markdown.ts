/**
 * Renders Markdown as HTML. Tags in it become text, links lead only to the web or to files beside the page, and images
 * are not loaded.
 */
import { Parser, Renderer, type Token, type Tokens } from 'marked';
import { parseTokens } from '../logs/transcript/markdown.ts';
import { type Html, html } from './html.ts';

/** Renders a text. A text that cannot be parsed stays as it is. */
export function markdownHtml(text: string): Html {
  const tokens = parseTokens(text);
  if (tokens === null) return html`<pre>${text}</pre>`;
  return { html: Parser.parse(tokens, { renderer: new PageRenderer() }) };
}

/** Replaces every method of marked's renderer that writes a text of others, so that all of it is escaped by `html`. */
class PageRenderer extends Renderer {
  /** A heading stands below the page's own headings. */
  override heading({ depth, tokens }: Tokens.Heading): string {
    const tag = `h${Math.min(depth, 3) + 2}`;
    return html`<${tag}>${this.#inline(tokens)}</${tag}>`.html;
  }

  override paragraph({ tokens }: Tokens.Paragraph): string {
    return html`<p>${this.#inline(tokens)}</p>`.html;
  }

  override text(token: Tokens.Text | Tokens.Escape): string {
    // Only the text of a list item has parts.
    return 'tokens' in token && token.tokens ? html`${this.#inline(token.tokens)} `.html : html`${token.text}`.html;
  }

  override html({ block, raw }: Tokens.HTML | Tokens.Tag): string {
    return block ? html`<p>${raw}</p>`.html : html`${raw}`.html;
  }

  override code({ text }: Tokens.Code): string {
    return html`<pre><code>${text}</code></pre>`.html;
  }

  override codespan({ text }: Tokens.Codespan): string {
    return html`<code>${text}</code>`.html;
  }

  override blockquote({ tokens }: Tokens.Blockquote): string {
    return html`<blockquote>${this.#blocks(tokens)}</blockquote>`.html;
  }

  override list({ ordered, start, items }: Tokens.List): string {
    const rows = items.map((item) => ({ html: this.listitem(item) }));
    return ordered ? html`<ol start="${start === '' ? 1 : start}">${rows}</ol>`.html : html`<ul>${rows}</ul>`.html;
  }

  override listitem({ task, checked, tokens }: Tokens.ListItem): string {
    return html`<li>${task ? (checked ? '☑ ' : '☐ ') : null}${this.#blocks(tokens)}</li>`.html;
  }

  /** The box is written by the list item. */
  override checkbox(): string {
    return '';
  }

  override table({ header, rows }: Tokens.Table): string {
    const titles = header.map(({ tokens }) => html`<th>${this.#inline(tokens)}</th>`);
    const lines = rows.map((row) => html`<tr>${row.map(({ tokens }) => html`<td>${this.#inline(tokens)}</td>`)}</tr>`);
    return html`<div class="wide"><table><thead><tr>${titles}</tr></thead><tbody>${lines}</tbody></table></div>`.html;
  }

  override hr(): string {
    return '<hr>';
  }

  override link({ href, tokens }: Tokens.Link): string {
    const words = this.#inline(tokens);
    return mayLead(href)
      ? html`<a href="${href}" rel="noreferrer noopener">${words}</a>`.html
      : html`${words} (${href})`.html;
  }

  override image({ href, text }: Tokens.Image): string {
    return html`[image: ${text || href}]`.html;
  }

  #blocks(tokens: Token[]): Html {
    return { html: this.parser.parse(tokens) };
  }

  #inline(tokens: Token[]): Html {
    return { html: this.parser.parseInline(tokens) };
  }
}

/**
 * Returns whether a link may be kept: the web, a place in the page, or a file beside it. Active schemes and
 * scheme-relative hosts are refused.
 */
function mayLead(href: string): boolean {
  if (!/^[!-~\u00a1-\uffff]+$/.test(href) || href.includes('\\')) return false;
  return (
    /^https?:\/\//i.test(href) ||
    /^#[\w-]*$/.test(href) ||
    (/^[\w.%~-][\w.%~/-]*(#[\w-]*)?$/.test(href) && !href.includes('//'))
  );
}
