import { describe, expect, it } from 'vitest';
import { collectSecrets, createMask, createReportMask, type Mask } from '#cli/terminal/mask-secrets.ts';

const secret = 'sk-abcabcab';
const mask = (...secrets: string[]) =>
  createMask(collectSecrets(Object.fromEntries(secrets.map((value, n) => [`TOKEN_${n}`, value])))) as Mask;

/** Returns the masked output of chunks, one after the other. */
function shown(of: Mask, ...chunks: (string | Buffer)[]): string {
  const passed = chunks.map((chunk) => of.pass(Buffer.from(chunk)));
  return Buffer.concat([...passed, of.rest()]).toString();
}

/** Returns the outputs for the text in two chunks, cut at each possible byte, and byte by byte. */
function everyCut(text: string, ...secrets: string[]): Set<string> {
  const bytes = Buffer.from(text);
  const cuts = Array.from({ length: bytes.length + 1 }, (_, at) =>
    shown(mask(...secrets), bytes.subarray(0, at), bytes.subarray(at)),
  );
  return new Set([...cuts, shown(mask(...secrets), ...Array.from(bytes, (byte) => Buffer.of(byte)))]);
}

describe('the values that are masked', () => {
  const hidden = (env: NodeJS.ProcessEnv) => collectSecrets(env).map(String);

  it('belong to variables with the names of secrets', () => {
    for (const name of [
      'GITHUB_TOKEN',
      'my_secret',
      'DB_PASSWORD',
      'PASSWD',
      'OPENAI_API_KEY',
      'APIKEY',
      'SSH_PRIVATE_KEY',
      'AWS_ACCESS_KEY_ID',
      'CREDENTIALS',
    ]) {
      expect(hidden({ [name]: 'hunter2hunter2' })).toEqual(['hunter2hunter2']);
    }
    expect(hidden({ PATH: '/usr/bin:/bin', EDITOR: 'vim-vim-vim', KEYBOARD: 'querty-querty' })).toEqual([]);
  });

  it('exclude short values and paths, once each, the longest first', () => {
    expect(hidden({ TOKEN: 'short77', API_KEY: undefined, SECRET_FILE: '/run/secrets/x' })).toEqual([]);
    expect(hidden({ A_TOKEN: '12345678', B_TOKEN: '123456789', C_TOKEN: '12345678' })).toEqual([
      '123456789',
      '12345678',
    ]);
  });
});

describe('a secret in the output', () => {
  it('is hidden wherever the chunks are cut', () => {
    expect(everyCut(`before ${secret} after`, secret)).toEqual(new Set(['before *** after']));
    expect(everyCut(secret, secret)).toEqual(new Set(['***']));
    expect(everyCut(`${secret}${secret}`, secret)).toEqual(new Set(['******']));
    expect(everyCut(`x ${secret}\n${secret} y`, secret)).toEqual(new Set(['x ***\n*** y']));
  });

  it('is hidden when a partial match precedes it', () => {
    expect(everyCut(`sk-abcsk-abcabcsk-${secret}`, secret)).toEqual(new Set(['sk-abcsk-abcabcsk-***']));
  });

  it('is hidden when it repeats itself', () => {
    expect(everyCut('xaaaaaaaaaay', 'aaaaaaaa')).toEqual(new Set(['x***y']));
  });

  it('is hidden whole when another secret is a prefix of it', () => {
    expect(everyCut('x 12345678-abcdef y', '12345678', '12345678-abcdef')).toEqual(new Set(['x *** y']));
    expect(everyCut('x 12345678-abcdeX y', '12345678', '12345678-abcdef')).toEqual(new Set(['x ***-abcdeX y']));
  });

  it('is hidden with characters of several bytes', () => {
    expect(everyCut('ö pässwört€ ö', 'pässwört€')).toEqual(new Set(['ö *** ö']));
  });
});

describe('other output', () => {
  it('passes byte by byte, also when it begins like a secret or is not text', () => {
    expect(everyCut('sk-abcabca', secret)).toEqual(new Set(['sk-abcabca']));
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, n) => n & 255));
    const through = mask(secret);
    expect(
      Buffer.concat([through.pass(bytes.subarray(0, 100)), through.pass(bytes.subarray(100)), through.rest()]),
    ).toEqual(bytes);
  });

  it('is not delayed, except for bytes that may be the beginning of a secret', () => {
    const through = mask(secret);
    expect(String(through.pass(Buffer.from('hello sk-ab')))).toBe('hello ');
    expect(String(through.pass(Buffer.from('out\n')))).toBe('sk-about\n');
  });

  it('needs no mask when there is no secret', () => {
    expect(createMask([])).toBe(null);
  });
});

describe("a run's token in a printed report", () => {
  const line = '::clip-report S3_cret-token {"id":"a"}';
  const masked = '::clip-report *** {"id":"a"}';

  it('is hidden wherever the output is cut', () => {
    const text = `before: ${line}\n\\n${line}::clip-report `;
    const expected = `before: ${masked}\n\\n${masked}::clip-report `;
    const bytes = Buffer.from(text);
    for (let at = 0; at <= bytes.length; at += 1)
      expect(shown(createReportMask(), bytes.subarray(0, at), bytes.subarray(at))).toBe(expected);
    expect(shown(createReportMask(), ...Array.from(bytes, (byte) => Buffer.of(byte)))).toBe(expected);
  });

  it('is hidden at the very end, unlike text that mentions it', () => {
    expect(shown(createReportMask(), '::clip-report S3')).toBe('::clip-report ***');
    expect(shown(createReportMask(), '::clip-report <token> {json}', ' ::clip-re')).toBe(
      '::clip-report <token> {json} ::clip-re',
    );
  });
});
