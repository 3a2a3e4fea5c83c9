/**
 * Secrets that are recognized by their pattern: a distinctive prefix and a run of characters after it. Patterns that
 * could be scanned again from each character begin at a word boundary or are bounded, so that the time grows linearly
 * with the text.
 */

/** Longer than any private key in use. */
const keyLengthMax = 20_000;

/** Returns the text with the mark in place of every secret that is recognized by its form. */
export function withoutShapes(text: string, mark: string): string {
  const headers = withoutHeaders(withoutUrls(text, mark), mark);
  const prefixed = prefixes.reduce((sum, shape) => sum.replace(shape, mark), headers);
  return prefixed.replace(/(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}/g, (found) =>
    /\d/.test(found) || !found.slice(3).includes('-') ? mark : found,
  );
}

const prefixes: readonly RegExp[] = [
  /sk-ant-[A-Za-z0-9_-]{16,}/g,
  /(?<![A-Za-z0-9])sk-(?:ant|proj|or|svcacct|admin)-[A-Za-z0-9_-]{6,}/g,
  /(?<![A-Za-z0-9])(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}/g,
  /gh[pousr]_[A-Za-z0-9]{10,}/g,
  /github_pat_[A-Za-z0-9_]{10,}/g,
  /glpat-[A-Za-z0-9_-]{16,}/g,
  /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{30,}/g,
  /(?<![A-Za-z0-9])hf_[A-Za-z0-9]{20,}/g,
  /(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{12,}/g,
  /AIza[A-Za-z0-9_-]{20,}/g,
  /xox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /(?<![A-Za-z0-9])ya29\.[A-Za-z0-9_-]{20,}/g,
  /(?<![A-Za-z0-9])SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/g,
  // A token in three parts, the first of which is JSON in base64.
  /(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]*){1,4}/g,
];

function withoutHeaders(text: string, mark: string): string {
  return text
    .replace(authorization, (found, name: string, scheme: string | undefined, value: string) =>
      scheme !== undefined || isMixed(value) ? `${name}${scheme ?? ''}${mark}` : found,
    )
    .replace(/\b(bearer[ \t]{1,4})([\w.~+/=-]{12,})/gi, (found, name: string, value: string) =>
      isMixed(value) ? `${name}${mark}` : found,
    )
    .replace(/(cookie\\?["']?:[ \t]{0,4}[^=\s;]{1,64}=)[^\s;"']{8,}/gi, `$1${mark}`);
}

const authorization =
  /(authorization\\?["']?[ \t]{0,4}[:=][ \t]{0,4}\\?["']?)((?:bearer|basic|token|digest|apikey|negotiate)[ \t]{1,4})?([^\s"'`,;<>$\\{}[\]]{6,})/gi;

function isMixed(value: string): boolean {
  return value.length >= 12 && /\d/.test(value) && /[A-Za-z]/.test(value);
}

/** Removes the credentials before the @ of a URL: the password, or a long user name without one, which is a token. */
function withoutUrls(text: string, mark: string): string {
  return text
    .replace(/(:\/\/[^\s/@:"'`<>]{0,100}:)([^\s/@"'`<>]{1,300})(?=@)/g, (found, before: string, password: string) =>
      /^[$[{]/.test(password) ? found : `${before}${mark}`,
    )
    .replace(/(:\/\/)([^\s/@:"'`<>[]{20,300})(?=@)/g, (found, before: string, name: string) =>
      /\d/.test(name) ? `${before}${mark}` : found,
    )
    .replace(
      /((?<![\w-])(?:-u|--user)[ =]["']?([^\s:"'/]{1,64}):)([^\s"'/]{4,200})/g,
      (found, before: string, user: string, password: string) =>
        user === password || /^[\d$[]/.test(password) ? found : `${before}${mark}`,
    );
}

const beginning = /-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
/** The lines of a key whose end is missing. A line may end with a written \n. */
const keyLines = /(?:(?:\\r|\\n|\s)+(?:[A-Za-z-]{4,20}: [^\n\\]{1,100}|[A-Za-z0-9+/=]{20,}))*/y;

/** Returns the text with the mark in place of every private key, whole or cut off. */
export function withoutPrivateKeys(text: string, mark: string): string {
  let result = '';
  let done = 0;
  let ending = 0;
  for (const { 0: line, index } of text.matchAll(beginning)) {
    if (index < done) continue;
    const start = index + line.length;
    // The same end is not searched twice. Otherwise a text of nothing but key headers would take quadratic time.
    if (ending >= 0 && ending < start) ending = text.indexOf('-----END ', start);
    const whole = ending >= start && ending - start <= keyLengthMax;
    const close = whole ? text.indexOf('-----', ending + 9) : -1;
    const end = !whole ? endOfLines(text, start) : close >= 0 && close - ending < 80 ? close + 5 : ending + 9;
    result += text.slice(done, index) + mark;
    done = end;
  }
  return result + text.slice(done);
}

function endOfLines(text: string, start: number): number {
  keyLines.lastIndex = start;
  return start + (keyLines.exec(text)?.[0].length ?? 0);
}
