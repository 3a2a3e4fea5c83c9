/** Hides the values of this shell's secret variables, and tokens of runs, in output. */
import { reportMarker } from '#run/agent-report.ts';
import { isSecretName } from '#run/secret.ts';

/** Shorter values would also hide ordinary words. */
const lengthMin = 8;

/** Returns the values of secret variables, longest first. Short values and paths are left out. */
export function collectSecrets(env: NodeJS.ProcessEnv): Buffer[] {
  const values = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= lengthMin && isSecretName(name) && !value.startsWith('/') ? [value] : [],
  );
  return [...new Set(values)].sort((a, b) => b.length - a.length).map((value) => Buffer.from(value));
}

/** Returns a function that hides secrets, and the tokens of reports, in a whole text. */
export function createRedactor(env: NodeJS.ProcessEnv): (text: string) => string {
  const secrets = collectSecrets(env);
  const words = secrets.map(String);
  return (text) => {
    // Few texts have a secret. Text that is not well formed changes when it becomes bytes.
    const mask = text.isWellFormed() && !words.some((word) => text.includes(word)) ? null : createMask(secrets);
    const shown = mask === null ? text : Buffer.concat([mask.pass(Buffer.from(text)), mask.rest()]).toString();
    return shown.includes(reportMarker) ? shown.replace(/(::clip-report )[\w-]+/g, '$1***') : shown;
  };
}

export type Mask = { readonly pass: (chunk: Buffer) => Buffer; readonly rest: () => Buffer };

/**
 * Creates a mask for tokens of runs. They are in the lines that `clip report` prints when it cannot reach the daemon.
 */
export function createReportMask(): Mask {
  const marker = Buffer.from(reportMarker);
  let held: Buffer = Buffer.alloc(0);
  /** The position relative to a marker: outside, right behind it, or within the token. */
  let place: 'elsewhere' | 'behind' | 'inside' = 'elsewhere';

  function hide(bytes: Buffer, more: boolean): Buffer {
    const shown: Buffer[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      if (place !== 'elsewhere') {
        const length = tokenLength(rest);
        if (length > 0 && place === 'behind') shown.push(Buffer.from('***'));
        place = length < rest.length ? 'elsewhere' : length > 0 ? 'inside' : place;
        rest = rest.subarray(length);
        continue;
      }
      const at = rest.indexOf(marker);
      const end = at < 0 ? rest.length - (more ? overlap(rest, marker) : 0) : at + marker.length;
      shown.push(rest.subarray(0, end));
      rest = rest.subarray(end);
      if (at < 0) break;
      place = 'behind';
    }
    held = Buffer.from(rest);
    return Buffer.concat(shown);
  }

  return { pass: (chunk) => hide(Buffer.concat([held, chunk]), true), rest: () => hide(held, false) };
}

/** Returns how many of the first bytes may belong to a token. */
function tokenLength(bytes: Buffer): number {
  const end = bytes.findIndex((byte) => !isTokenByte(byte));
  return end < 0 ? bytes.length : end;
}

function isTokenByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x5f
  );
}

/** Returns how many bytes at the end may be the beginning of the marker. */
function overlap(bytes: Buffer, marker: Buffer): number {
  for (let length = Math.min(marker.length - 1, bytes.length); length > 0; length -= 1) {
    if (bytes.subarray(bytes.length - length).equals(marker.subarray(0, length))) return length;
  }
  return 0;
}

/**
 * Creates a mask that hides every byte of an occurrence of a secret. Returns null when there is nothing to hide. The
 * output does not depend on how the bytes are split into chunks: overlapping occurrences are hidden together.
 */
export function createMask(secrets: readonly Buffer[]): Mask | null {
  if (secrets.length === 0) return null;
  const longest = Math.max(...secrets.map(({ length }) => length));
  let held: Buffer = Buffer.alloc(0);
  /** How many of the held bytes belong to an occurrence that was already replaced. */
  let hiddenBefore = 0;

  /** Returns the bytes before `end`, and holds the others. */
  function show(bytes: Buffer, end: number): Buffer {
    const shown: Buffer[] = [];
    let at = 0;
    let hiddenTo = hiddenBefore;
    for (const { from, to } of occurrences(bytes, secrets)) {
      if (from >= end) break;
      if (from >= hiddenTo) shown.push(bytes.subarray(Math.max(at, hiddenTo), from), hidden);
      at = from;
      hiddenTo = Math.max(hiddenTo, to);
    }
    shown.push(bytes.subarray(Math.min(end, Math.max(at, hiddenTo)), end));
    held = Buffer.from(bytes.subarray(end));
    hiddenBefore = Math.max(0, hiddenTo - end);
    return Buffer.concat(shown);
  }

  /** Returns how many bytes at the end may be the beginning of a secret. Only they are held back. */
  function heldBack(bytes: Buffer): number {
    for (let length = Math.min(longest - 1, bytes.length); length > 0; length -= 1) {
      const end = bytes.subarray(bytes.length - length);
      if (secrets.some((secret) => secret.length > length && secret.subarray(0, length).equals(end))) return length;
    }
    return 0;
  }

  return {
    pass(chunk) {
      const bytes = Buffer.concat([held, chunk]);
      return show(bytes, bytes.length - heldBack(bytes));
    },
    rest: () => show(held, held.length),
  };
}

const hidden = Buffer.from('***');

/** Returns the occurrences of secrets in these bytes, ordered by their beginning. */
function occurrences(bytes: Buffer, secrets: readonly Buffer[]): { readonly from: number; readonly to: number }[] {
  const found = secrets.flatMap((secret) => {
    const places: { from: number; to: number }[] = [];
    for (let from = bytes.indexOf(secret); from >= 0; from = bytes.indexOf(secret, from + 1))
      places.push({ from, to: from + secret.length });
    return places;
  });
  return found.sort((a, b) => a.from - b.from);
}
