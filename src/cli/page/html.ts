/** HTML in which every value is a text: whatever it says, it is shown and never obeyed. */
import { unseenInText } from '../../run/unseen.ts';

export type Html = { readonly html: string };
type Value = string | number | null | Html | readonly Html[];

/** A template whose values are escaped, but for those that are HTML already. Attributes stand in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: strings.map((part, index) => `${part}${index < values.length ? valueText(values[index] ?? null) : ''}`).join('') };
}

export const nothing: Html = { html: '' };

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

/** Also without what turns the direction of text, or cannot stand in a document. */
function escaped(text: string): string {
  return text
    .replace(unseenInText, '')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .replace(/[&<>"']/g, (sign) => signs[sign] ?? '');
}
