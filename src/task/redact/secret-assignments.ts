/**
 * Values that are secret because of the name before them: password=…, "api_key": "…", --token …. Code and prose use the
 * same names, so the form of the value decides: a call, a type, a variable or a path is not a secret.
 */

const names =
  '(?:password|passwd|passphrase|pwd|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key|secret|token)';
const assigned = `${names}(?:\\\\?["'\`])?(?<gap>[ \\t]{0,4})(?<sign>=>|:=|[:=](?![:=]))[ \\t]{0,4}`;
const flag = `--(?:[a-z]{1,30}-){0,4}${names}[ \\t]{1,2}(?![ \\t=:])`;
const before = new RegExp(`(?<flag>${flag})|(?<assigned>${assigned})`, 'gi');

/** The part of a value that is examined. A longer value is not code, and is removed to its end. */
const judgedLength = 200;
const quotedValue = /\\?(["'`])(?!\s)([^\s"'`]{4,200})/y;
const bareValue = /[^\s"'`;,&|<>(){}[\]$\\]{4,200}/y;
const restOfQuoted = /[^\s"'`]*/y;
const restOfBare = /[^\s"'`;,&|<>(){}[\]$\\]*/y;

/** Returns the text with the mark in place of every value that a name makes secret. */
export function withoutAssignments(text: string, mark: string): string {
  let result = '';
  let done = 0;
  for (const match of text.matchAll(before)) {
    const start = match.index + match[0].length;
    if (start < done) continue;
    const value = valueAt(text, start, classifyWay(match.groups ?? {}, match[0]));
    if (value === null) continue;
    result += text.slice(done, value.from) + mark;
    done = value.to;
  }
  return result + text.slice(done);
}

/** How certain the form is. `tight`: written so by a shell or a URL. `loose`: written so by prose and code as well. */
type AssignmentForm = { readonly kind: 'flag' | 'tight' | 'loose'; readonly isToken: boolean };

function classifyWay(
  { flag: option, gap, sign }: Readonly<Record<string, string | undefined>>,
  whole: string,
): AssignmentForm {
  const isToken = /token/i.test(whole);
  if (option !== undefined) return { kind: 'flag', isToken };
  return { kind: sign === '=' && gap === '' && whole.endsWith('=') ? 'tight' : 'loose', isToken };
}

function valueAt(
  text: string,
  start: number,
  way: AssignmentForm,
): { readonly from: number; readonly to: number } | null {
  const quoted = at(quotedValue, text, start);
  if (quoted !== null) {
    const [whole, , value = ''] = quoted;
    const from = start + whole.length - value.length;
    if (isPlaceholder(value) || isPath(value)) return null;
    const rest = value.length === judgedLength ? (at(restOfQuoted, text, from + value.length)?.[0].length ?? 0) : 0;
    // In JSON within JSON, a backslash precedes the closing quote.
    return { from, to: from + value.length + rest - (value.endsWith('\\') ? 1 : 0) };
  }
  const value = at(bareValue, text, start)?.[0] ?? null;
  if (value === null) return null;
  const end = start + value.length;
  if (isPlaceholder(value) || isPath(value) || isCode(value, text[end], way) || !isLikely(value, way)) return null;
  return { from: start, to: end + (value.length === judgedLength ? (at(restOfBare, text, end)?.[0].length ?? 0) : 0) };
}

function at(pattern: RegExp, text: string, start: number): RegExpExecArray | null {
  pattern.lastIndex = start;
  return pattern.exec(text);
}

const itself = new RegExp(`^${names}s?[.!?:]?$`, 'i');

/** Returns whether the value is a placeholder: the name of a type, a word for nothing, the name itself. */
function isPlaceholder(value: string): boolean {
  return (
    /^(?:string|number|boolean|object|unknown|buffer|uint8array|bytes|null|none|undefined|true|false|required|optional|invalid|missing|wrong|expired|empty|changed|value|your[\w-]*|example|placeholder|base64|sha1|sha256|sha512|utf-?8|bcrypt|argon2|oauth2|ed25519)[.!?:]?$/i.test(
      value,
    ) ||
    /^(?:[$<{%[]|\*{3}|x{4,}$|\.{3})/i.test(value) ||
    itself.test(value) ||
    /(?:[_-]|[a-z](?=[A-Z]))(?:password|passwd|passphrase|key|secret|token)$/i.test(value)
  );
}

function isPath(value: string): boolean {
  return (
    /^(?:~|\.{1,2})?\/[\w.@-]+(?:\/[\w.@-]*)+$/.test(value) ||
    /^(?:~|\.{1,2})\//.test(value) ||
    /^[a-z]{2,10}:\/\//i.test(value)
  );
}

/** Returns whether the value is code: a call, an index, or a field access. */
function isCode(value: string, next: string | undefined, { kind }: AssignmentForm): boolean {
  if (next === '(' || (kind === 'loose' && (next === '[' || next === '{'))) return true;
  return (
    /^[A-Za-z_][A-Za-z_]*(?:\.[A-Za-z_][A-Za-z_]*)+$/.test(value) ||
    /^(?:process|import|os|req|request|this|self|config|env|ctx|args|options)\??\./.test(value)
  );
}

const words =
  /^(?:flag|flags|option|options|argument|arguments|parameter|switch|when|with|from|that|this|instead|should|must|into|here|will|also|only|then|which|file)$/i;

function isLikely(value: string, { kind, isToken }: AssignmentForm): boolean {
  if (/^\d+$/.test(value)) return !isToken && (kind !== 'loose' || value.length >= 6);
  if (kind === 'tight') return true;
  if (kind === 'flag') return !words.test(value) && !value.startsWith('-');
  return (
    value.length >= 6 &&
    (/\d/.test(value) ? /[A-Za-z]/.test(value) : value.length >= 24 && /[a-z]/.test(value) && /[A-Z]/.test(value))
  );
}
