/** Hides the values of secret variables of this shell in what is shown. */
import { isSecretName } from '../run/secret.ts';

/** Shorter values would also hide ordinary words. */
const lengthMin = 8;

export function secretsOf(env: NodeJS.ProcessEnv): Buffer[] {
  const values = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= lengthMin && isSecretName(name) && !value.startsWith('/') ? [value] : [],
  );
  return [...new Set(values)].sort((a, b) => b.length - a.length).map((value) => Buffer.from(value));
}

export type Mask = { readonly pass: (chunk: Buffer) => Buffer; readonly rest: () => Buffer };

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
