/**
 * Tells whether the bytes of a body may still be one JSON document, an object or a list. The check runs as bytes
 * arrive, so that nothing is held back in vain. It follows the structure and does not validate numbers and escapes; the
 * parser confirms the result.
 */

/**
 * The state of the check. `open`: it may still be a document. `line`: a complete one is on the first line, and more may
 * follow. `none`: it is not a document.
 */
export type Verdict = 'open' | 'line' | 'none';

/** What may follow, outside of texts and words. */
type Next = 'document' | 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

/** Deeper than any real response. A body that begins with so many brackets is not a document. */
const depthMax = 1_000;
const wholeWord = /^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

export function createDocumentCheck(): (chunk: Uint8Array) => Verdict {
  let next: Next = 'document';
  /** The brackets that are still open. */
  const closings: string[] = [];
  let text: 'none' | 'open' | 'escaped' = 'none';
  /** The beginning of a number, true, false or null. */
  let word = '';
  let isLine = true;

  function check(chunk: Uint8Array): Verdict {
    for (const byte of chunk) {
      if (byte === 0x0a) {
        if (next === 'nothing' && isLine) return 'line';
        if (next !== 'document') isLine = false;
      }
      if (!(text === 'none' ? isPart(String.fromCharCode(byte)) : isInText(byte))) return 'none';
    }
    return 'open';
  }

  function isInText(byte: number): boolean {
    if (text === 'escaped') text = 'open';
    else if (byte === 0x5c) text = 'escaped';
    else if (byte === 0x22) {
      text = 'none';
      next = next === 'key' ? 'colon' : 'comma or end';
    }
    // A JSON text contains no line breaks.
    return byte >= 0x20;
  }

  function isPart(sign: string): boolean {
    if (word !== '') {
      if (/[\w.+-]/.test(sign)) {
        word += sign;
        return true;
      }
      if (!wholeWord.test(word)) return false;
      word = '';
      next = 'comma or end';
    }
    if (/[ \t\r\n]/.test(sign)) return true;
    switch (next) {
      case 'document':
        return opens(sign);
      case 'value':
      case 'value or end':
        return (next === 'value or end' && closes(sign)) || begins(sign);
      case 'key':
      case 'key or end':
        if (next === 'key or end' && closes(sign)) return true;
        next = 'key';
        return begunText(sign);
      case 'colon':
        next = 'value';
        return sign === ':';
      case 'comma or end':
        if (sign !== ',') return closes(sign);
        next = closings.at(-1) === '}' ? 'key' : 'value';
        return true;
      case 'nothing':
        return false;
    }
  }

  function begins(sign: string): boolean {
    if (opens(sign)) return true;
    next = 'value';
    if (begunText(sign)) return true;
    word = /[-\dtfn]/.test(sign) ? sign : '';
    return word !== '';
  }

  function begunText(sign: string): boolean {
    if (sign === '"') text = 'open';
    return sign === '"';
  }

  function opens(sign: string): boolean {
    if ((sign !== '{' && sign !== '[') || closings.length === depthMax) return false;
    closings.push(sign === '{' ? '}' : ']');
    next = sign === '{' ? 'key or end' : 'value or end';
    return true;
  }

  function closes(sign: string): boolean {
    if (sign !== closings.at(-1)) return false;
    closings.pop();
    next = closings.length === 0 ? 'nothing' : 'comma or end';
    return true;
  }

  return check;
}
