/**
 * Renders Markdown as HTML. Tags in it become text, links lead only to the web or to files beside the page, and images
 * are not loaded.
 */
import type { Token, Tokens } from 'marked';
import { parseTokens } from '../logs/transcript/markdown.ts';
import { type Html, html, joined, nothing } from './html.ts';

export function markdownHtml(text: string): Html {
  const tokens = parseTokens(text);
  return tokens === null ? html`<pre>${text}</pre>` : blocks(tokens);
}

function blocks(tokens: readonly Token[]): Html {
  return joined(tokens.map(block));
}

function block(token: Token): Html {
  switch (token.type) {
    case 'heading':
      return heading(token as Tokens.Heading);
    case 'paragraph':
      return html`<p>${inline((token as Tokens.Paragraph).tokens)}</p>`;
    case 'text':
      return html`${inline((token as Tokens.Text).tokens ?? [token])} `;
    case 'code':
      return html`<pre><code>${(token as Tokens.Code).text}</code></pre>`;
    case 'blockquote':
      return html`<blockquote>${blocks((token as Tokens.Blockquote).tokens)}</blockquote>`;
    case 'list':
      return list(token as Tokens.List);
    case 'table':
      return table(token as Tokens.Table);
    case 'hr':
      return html`<hr>`;
    case 'space':
    case 'def':
    case 'checkbox':
      return nothing;
    default:
      return html`<p>${token.raw}</p>`;
  }
}

/** Returns a heading below the page's own headings. */
function heading({ depth, tokens }: Tokens.Heading): Html {
  const words = inline(tokens);
  return depth <= 1 ? html`<h3>${words}</h3>` : depth === 2 ? html`<h4>${words}</h4>` : html`<h5>${words}</h5>`;
}

function list({ ordered, start, items }: Tokens.List): Html {
  const rows = items.map(
    (item) => html`<li>${item.task ? (item.checked ? '☑ ' : '☐ ') : null}${blocks(item.tokens)}</li>`,
  );
  return ordered ? html`<ol start="${typeof start === 'number' ? start : 1}">${rows}</ol>` : html`<ul>${rows}</ul>`;
}

function table({ header, rows }: Tokens.Table): Html {
  const titles = header.map(({ tokens }) => html`<th>${inline(tokens)}</th>`);
  const lines = rows.map((row) => html`<tr>${row.map(({ tokens }) => html`<td>${inline(tokens)}</td>`)}</tr>`);
  return html`<div class="wide"><table><thead><tr>${titles}</tr></thead><tbody>${lines}</tbody></table></div>`;
}

function inline(tokens: readonly Token[]): Html {
  return joined(
    tokens.map((token): Html => {
      switch (token.type) {
        case 'strong':
          return html`<strong>${inline((token as Tokens.Strong).tokens)}</strong>`;
        case 'em':
          return html`<em>${inline((token as Tokens.Em).tokens)}</em>`;
        case 'del':
          return html`<del>${inline((token as Tokens.Del).tokens)}</del>`;
        case 'codespan':
          return html`<code>${(token as Tokens.Codespan).text}</code>`;
        case 'br':
          return html`<br>`;
        case 'link':
          return link(token as Tokens.Link);
        case 'image':
          return html`[image: ${(token as Tokens.Image).text || (token as Tokens.Image).href}]`;
        case 'text':
          return 'tokens' in token && token.tokens ? inline(token.tokens) : html`${(token as Tokens.Text).text}`;
        case 'escape':
          return html`${(token as Tokens.Escape).text}`;
        case 'checkbox':
          return nothing;
        default:
          return html`${token.raw}`;
      }
    }),
  );
}

function link({ href, tokens }: Tokens.Link): Html {
  const words = inline(tokens);
  return mayLead(href) ? html`<a href="${href}" rel="noreferrer noopener">${words}</a>` : html`${words} (${href})`;
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
