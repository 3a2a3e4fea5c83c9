/** Hides the values of secret variables of this shell, and tokens of runs, in what is shown. */
import { reportMarker } from '../run/agent-report.ts';
import { isSecretName } from '../run/secret.ts';

/** Shorter values would also hide ordinary words. */
const lengthMin = 8;

export function secretsOf(env: NodeJS.ProcessEnv): Buffer[] {
  const values = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= lengthMin && isSecretName(name) && !value.startsWith('/') ? [value] : [],
  );
  return [...new Set(values)].sort((a, b) => b.length - a.length).map((value) => Buffer.from(value));
}

/** The same for a whole text: secrets, and the tokens of reports in it. */
export function hidingOf(env: NodeJS.ProcessEnv): (text: string) => string {
  const secrets = secretsOf(env).map((secret) => secret.toString());
  return (text) => {
    const shown = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
    return shown.includes(reportMarker) ? shown.replace(/(::clip-report )[\w-]+/g, '$1***') : shown;
  };
}

export type Mask = { readonly pass: (chunk: Buffer) => Buffer; readonly rest: () => Buffer };

/** Hides tokens of runs, which stand in the lines that `clip report` prints where it cannot reach the daemon. */
export function createReportMask(): Mask {
  const marker = Buffer.from(reportMarker);
  let held: Buffer = Buffer.alloc(0);
  /** Behind a marker: nothing of the token yet, or some of it. */
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

/** How many of these bytes, from the first on, may be those of a token. */
function tokenLength(bytes: Buffer): number {
  const end = bytes.findIndex((byte) => !isTokenByte(byte));
  return end < 0 ? bytes.length : end;
}

function isTokenByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x2d || byte === 0x5f;
}

/** How many bytes at the end may be the beginning of the marker. */
function overlap(bytes: Buffer, marker: Buffer): number {
  for (let length = Math.min(marker.length - 1, bytes.length); length > 0; length -= 1) {
    if (bytes.subarray(bytes.length - length).equals(marker.subarray(0, length))) return length;
  }
  return 0;
}

/** Null when there is nothing to hide. A value cut in two by the end of a chunk is hidden as well. */
export function createMask(secrets: readonly Buffer[]): Mask | null {
  if (secrets.length === 0) return null;
  const longest = Math.max(...secrets.map(({ length }) => length));
  let held: Buffer = Buffer.alloc(0);

  /** Whether these last bytes are the beginning of a secret, so that the rest may still come. */
  function mayGrow(end: Buffer): boolean {
    return secrets.some((secret) => secret.length > end.length && secret.subarray(0, end.length).equals(end));
  }

  function hide(bytes: Buffer, more: boolean): Buffer {
    let result = bytes;
    for (const secret of secrets) {
      for (let at = result.indexOf(secret); at >= 0; at = result.indexOf(secret, at + 3)) {
        if (more && mayGrow(result.subarray(at))) break;
        result = Buffer.concat([result.subarray(0, at), Buffer.from('***'), result.subarray(at + secret.length)]);
      }
    }
    return result;
  }

  /** How many bytes at the end may be the beginning of a secret: only they have to wait for more. */
  function heldBack(bytes: Buffer): number {
    for (let length = Math.min(longest - 1, bytes.length); length > 0; length -= 1) {
      if (mayGrow(bytes.subarray(bytes.length - length))) return length;
    }
    return 0;
  }

  return {
    pass(chunk) {
      const hidden = hide(Buffer.concat([held, chunk]), true);
      const keep = heldBack(hidden);
      held = Buffer.from(hidden.subarray(hidden.length - keep));
      return Buffer.from(hidden.subarray(0, hidden.length - keep));
    },
    rest() {
      const last = hide(held, false);
      held = Buffer.alloc(0);
      return last;
    },
  };
}
