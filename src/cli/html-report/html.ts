/** HTML templates in which every value is escaped. */
import { unseenInText } from '#run/control-chars.ts';

export type Html = { readonly html: string };
type Value = string | number | null | Html | readonly Html[];

/**
 * Builds HTML from a template. Values are escaped unless they are HTML already. Attributes must be in double quotes.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return {
    html: strings
      .map((part, index) => `${part}${index < values.length ? valueText(values[index] ?? null) : ''}`)
      .join(''),
  };
}

/** HTML without content. */
export const nothing: Html = { html: '' };

/** Joins pieces of HTML. */
export function joined(parts: readonly Html[]): Html {
  return { html: parts.map((part) => part.html).join('') };
}

function valueText(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaped(value);
  return 'html' in value ? value.html : joined(value).html;
}

const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Escapes a text. Direction marks and characters that are invalid in a document are removed. */
function escaped(text: string): string {
  return text
    .replace(unseenInText, '')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .replace(/[&<>"']/g, (sign) => signs[sign] ?? '');
}
