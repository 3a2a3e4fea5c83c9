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

/** The check of one body. */
export class DocumentCheck {
  #next: Next = 'document';
  /** The brackets that are still open. */
  readonly #closings: string[] = [];
  #text: 'none' | 'open' | 'escaped' = 'none';
  /** The beginning of a number, true, false or null. */
  #word = '';
  #isLine = true;

  /** Takes the next bytes of the body, and returns what the bytes so far show. */
  take(chunk: Uint8Array): Verdict {
    for (const byte of chunk) {
      if (byte === 0x0a) {
        if (this.#next === 'nothing' && this.#isLine) return 'line';
        if (this.#next !== 'document') this.#isLine = false;
      }
      const fits = this.#text === 'none' ? this.#takeSign(String.fromCharCode(byte)) : this.#takeText(byte);
      if (!fits) return 'none';
    }
    return 'open';
  }

  #takeText(byte: number): boolean {
    if (this.#text === 'escaped') this.#text = 'open';
    else if (byte === 0x5c) this.#text = 'escaped';
    else if (byte === 0x22) {
      this.#text = 'none';
      this.#next = this.#next === 'key' ? 'colon' : 'comma or end';
    }
    // A JSON text contains no line breaks.
    return byte >= 0x20;
  }

  #takeSign(sign: string): boolean {
    if (this.#word !== '') {
      if (/[\w.+-]/.test(sign)) {
        this.#word += sign;
        return true;
      }
      if (!wholeWord.test(this.#word)) return false;
      this.#word = '';
      this.#next = 'comma or end';
    }
    return /[ \t\r\n]/.test(sign) || this.#takePart(sign);
  }

  #takePart(sign: string): boolean {
    switch (this.#next) {
      case 'document':
        return this.#opens(sign);
      case 'value':
      case 'value or end':
        return (this.#next === 'value or end' && this.#closes(sign)) || this.#beginsValue(sign);
      case 'key':
      case 'key or end':
        if (this.#next === 'key or end' && this.#closes(sign)) return true;
        this.#next = 'key';
        return this.#beginsText(sign);
      case 'colon':
        this.#next = 'value';
        return sign === ':';
      case 'comma or end':
        if (sign !== ',') return this.#closes(sign);
        this.#next = this.#closings.at(-1) === '}' ? 'key' : 'value';
        return true;
      case 'nothing':
        return false;
    }
  }

  #beginsValue(sign: string): boolean {
    if (this.#opens(sign)) return true;
    this.#next = 'value';
    if (this.#beginsText(sign)) return true;
    this.#word = /[-\dtfn]/.test(sign) ? sign : '';
    return this.#word !== '';
  }

  #beginsText(sign: string): boolean {
    if (sign === '"') this.#text = 'open';
    return sign === '"';
  }

  #opens(sign: string): boolean {
    if ((sign !== '{' && sign !== '[') || this.#closings.length === depthMax) return false;
    this.#closings.push(sign === '{' ? '}' : ']');
    this.#next = sign === '{' ? 'key or end' : 'value or end';
    return true;
  }

  #closes(sign: string): boolean {
    if (sign !== this.#closings.at(-1)) return false;
    this.#closings.pop();
    this.#next = this.#closings.length === 0 ? 'nothing' : 'comma or end';
    return true;
  }
}
