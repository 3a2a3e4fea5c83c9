/**
 * Parses a shell command as far as needed to tell whether it writes: its simple commands, at any depth, and whether
 * output is redirected into a file. It is not a full shell parser. It gives up on anything else, and null means "cannot
 * tell".
 */

/** A word without its quotes. `expanded`: it begins with a variable, so its value is unknown. */
export type Word = { readonly text: string; readonly expanded: boolean };
export type Parsed = {
  readonly commands: readonly (readonly Word[])[];
  readonly writes: boolean;
  /** Files that output is redirected into. */
  readonly targets: readonly Word[];
};

type Reader = {
  readonly text: string;
  at: number;
  readonly depth: number;
  readonly commands: Word[][];
  readonly targets: Word[];
  words: Word[];
  writes: boolean;
  heredocs: Heredoc[];
};
type Heredoc = { readonly end: string; readonly tabs: boolean };

/** Substitutions within substitutions. Commands that people or agents write are not nested deeper. */
const depthMax = 6;

class CannotTell extends Error {}

/** Returns the parsed command; null for anything that the parser does not understand. */
export function parseShell(text: string): Parsed | null {
  try {
    const reader = begin(text, 0, 0);
    readList(reader, null);
    return { commands: reader.commands, writes: reader.writes, targets: reader.targets };
  } catch (error) {
    if (error instanceof CannotTell) return null;
    throw error;
  }
}

function begin(text: string, at: number, depth: number): Reader {
  if (depth > depthMax) throw new CannotTell();
  return { text, at, depth, commands: [], targets: [], words: [], writes: false, heredocs: [] };
}

/** Reads commands up to the closing bracket, or to the end of the text. */
function readList(reader: Reader, closing: ')' | null): void {
  const { text } = reader;
  while (reader.at < text.length) {
    const char = text.charAt(reader.at);
    if (char === ')' && closing === ')') {
      endCommand(reader);
      reader.at++;
      return;
    }
    if (char === '\n') {
      endCommand(reader);
      reader.at++;
      skipHeredocs(reader);
    } else if (/\s/.test(char)) reader.at++;
    else if (char === '#') skipLine(reader);
    else if (char === ';' || char === '|' || (char === '&' && text.charAt(reader.at + 1) !== '>')) {
      endCommand(reader);
      reader.at++;
    } else if (char === '(') {
      // A word before the bracket means a function definition.
      if (reader.words.length > 0) throw new CannotTell();
      reader.at++;
      readNested(reader);
    } else if (char === ')') throw new CannotTell();
    else if (!readRedirection(reader)) reader.words.push(readWord(reader));
  }
  if (closing !== null || reader.heredocs.length > 0) throw new CannotTell();
  endCommand(reader);
}

function endCommand(reader: Reader): void {
  if (reader.words.length > 0) reader.commands.push(reader.words);
  reader.words = [];
}

function skipLine(reader: Reader): void {
  const end = reader.text.indexOf('\n', reader.at);
  reader.at = end < 0 ? reader.text.length : end;
}

/** Reads the content of brackets. The opening one was already read. */
function readNested(reader: Reader): void {
  const inner = begin(reader.text, reader.at, reader.depth + 1);
  readList(inner, ')');
  reader.at = inner.at;
  take(reader, inner);
}

/** Adds the result of a nested reader to the outer one. */
function take(reader: Reader, inner: Reader): void {
  reader.commands.push(...inner.commands);
  reader.targets.push(...inner.targets);
  reader.writes ||= inner.writes;
}

const harmlessTargets = new Set(['/dev/null', '/dev/stdout', '/dev/stderr', '/dev/tty', '/dev/fd/1', '/dev/fd/2']);

function readRedirection(reader: Reader): boolean {
  const match = /^(?:\d*|&)(?:<<-?(?!<)|<<<|<>|<&|<(?!\()|>>|>\||>&|>(?!\())/.exec(
    reader.text.slice(reader.at, reader.at + 8),
  );
  if (match === null) return false;
  const sign = match[0].replace(/^\d+/, '');
  reader.at += match[0].length;
  while (/[ \t]/.test(reader.text.charAt(reader.at))) reader.at++;
  const target = readWord(reader);
  if (sign.startsWith('<<') && sign !== '<<<') reader.heredocs.push({ end: target.text, tabs: sign === '<<-' });
  else if (sign === '<>' || (sign.includes('>') && !isHarmless(sign, target))) {
    reader.writes = true;
    reader.targets.push(target);
  }
  return true;
}

/** Returns whether a redirection goes into nothing, a terminal, or another stream. */
function isHarmless(sign: string, { text }: Word): boolean {
  return harmlessTargets.has(text) || (sign === '>&' && /^(?:\d+-?|-)$/.test(text));
}

/** Skips the text of a here-document, which is input. A text with a substitution runs something. */
function skipHeredocs(reader: Reader): void {
  for (const { end, tabs } of reader.heredocs) {
    for (;;) {
      if (reader.at >= reader.text.length) throw new CannotTell();
      const from = reader.at;
      skipLine(reader);
      const line = reader.text.slice(from, reader.at);
      reader.at++;
      if ((tabs ? line.replace(/^\t+/, '') : line) === end) break;
      if (line.includes('$(') || line.includes('`')) throw new CannotTell();
    }
  }
  reader.heredocs = [];
}

function readWord(reader: Reader): Word {
  const { text } = reader;
  const start = reader.at;
  let word = '';
  let expanded = false;
  while (reader.at < text.length) {
    const char = text.charAt(reader.at);
    if ((char === '<' || char === '>') && text.charAt(reader.at + 1) === '(' && reader.at === start) {
      reader.at += 2;
      readNested(reader);
      expanded = true;
    } else if (/[\s;|&()<>]/.test(char)) break;
    else if (char === "'") word += readUntilQuote(reader);
    else if (char === '"') {
      reader.at++;
      const { inner, dollar } = readDoubleQuoted(reader);
      expanded ||= dollar;
      word += inner;
    } else if (char === '\\') {
      word += text.charAt(reader.at + 1) === '\n' ? '' : text.charAt(reader.at + 1);
      reader.at += 2;
    } else if (char === '$' || char === '`') {
      word += readExpansion(reader);
      expanded = true;
    } else {
      word += char;
      reader.at++;
    }
  }
  if (reader.at === start) throw new CannotTell();
  return { text: word, expanded };
}

function readUntilQuote(reader: Reader): string {
  const end = reader.text.indexOf("'", reader.at + 1);
  if (end < 0) throw new CannotTell();
  const inner = reader.text.slice(reader.at + 1, end);
  reader.at = end + 1;
  return inner;
}

function readDoubleQuoted(reader: Reader): { inner: string; dollar: boolean } {
  let inner = '';
  let dollar = false;
  while (reader.at < reader.text.length) {
    const char = reader.text.charAt(reader.at);
    if (char === '"') {
      reader.at++;
      return { inner, dollar };
    }
    if (char === '\\') {
      inner += reader.text.charAt(reader.at + 1);
      reader.at += 2;
    } else if (char === '$' || char === '`') {
      inner += readExpansion(reader);
      dollar = true;
    } else {
      inner += char;
      reader.at++;
    }
  }
  throw new CannotTell();
}

/** Reads an expansion. `$(…)` and backticks run something; `$x`, `${x}` and `$((…))` stand for an unknown text. */
function readExpansion(reader: Reader): string {
  const { text } = reader;
  if (text.charAt(reader.at) === '`') {
    const end = text.indexOf('`', reader.at + 1);
    if (end < 0) throw new CannotTell();
    const inner = begin(text.slice(reader.at + 1, end), 0, reader.depth + 1);
    readList(inner, null);
    take(reader, inner);
    reader.at = end + 1;
    return '';
  }
  const next = text.charAt(reader.at + 1);
  if (next === "'") {
    reader.at++;
    return readUntilQuote(reader);
  }
  if (next === '(' && text.charAt(reader.at + 2) === '(') return skipTo(reader, '))');
  if (next === '{') return skipTo(reader, '}');
  reader.at++;
  if (next === '(') {
    reader.at++;
    readNested(reader);
    return '';
  }
  return '$';
}

function skipTo(reader: Reader, closing: string): string {
  const end = reader.text.indexOf(closing, reader.at);
  const inner = reader.text.slice(reader.at + 2, end < 0 ? undefined : end);
  if (end < 0 || inner.includes('$(') || inner.includes('`')) throw new CannotTell();
  reader.at = end + closing.length;
  return '$';
}
