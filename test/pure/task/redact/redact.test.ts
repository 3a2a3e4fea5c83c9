/** @module-tag fuzz */
import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from '#task/redact/redact.ts';
import { fuzzRuns } from '../../../support/fuzz-runs.ts';

const letters = 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY';
const long = letters + letters.toLowerCase();
/** The text is assembled here, so that no secret scanner reports this file. */
const pem = (kind: string, body: string) =>
  `-----BEGIN ${kind}PRIVATE KEY-----\n${body}\n-----END ${kind}PRIVATE KEY-----`;

describe('a secret', () => {
  it.each([
    ['an OpenAI key', `sk-${long}`, 'sk-'],
    ['a project key', `sk-proj-${letters}_x-1`, letters],
    ['an Anthropic key', `sk-ant-api03-${long}-AA`, letters],
    ['a GitHub token', `ghp_${long.slice(0, 36)}`, 'ghp_'],
    ['a GitHub OAuth token', `gho_${long.slice(0, 36)}`, 'gho_'],
    ['a fine-grained token', `github_pat_11ABC_${long}`, letters],
    ['an AWS key id', `AKIA${letters.toUpperCase().slice(0, 16)}`, 'AKIA'],
    ['a Google key', `AIza${long.slice(0, 35)}`, 'AIza'],
    ['a Slack token', `xoxb-123456789012-${letters}`, 'xoxb'],
    ['a JWT', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${letters}`, 'eyJzdWIi'],
    ['a bearer', `Authorization: Bearer ${letters}`, letters],
    ['a bearer in JSON', `{"Authorization":"Bearer ${letters}"}`, letters],
    ['basic authentication', 'authorization: Basic dXNlcjpwYXNz', 'dXNlcjpwYXNz'],
    ['a password', 'password=hunter2', 'hunter2'],
    ['a password of letters', 'DB_PASSWORD=swordfish ./run', 'swordfish'],
    ['a password before a bracket', 'password=hunter2[1]', 'hunter2'],
    ['a password in YAML', 'password: hunter2x', 'hunter2x'],
    ['a key in JSON', '"api_key": "correct-horse"', 'correct-horse'],
    ['a key in JSON in JSON', '{\\"apiKey\\": \\"correct-horse\\"}', 'correct-horse'],
    ['a key in code', `const apiKey = 'abc-def-ghi';`, 'abc-def-ghi'],
    ['a variable of a shell', `export AWS_SECRET_ACCESS_KEY=${letters}/+abc`, letters],
    ['a flag', 'mysql --password hunter2 db', 'hunter2'],
    ['a query', `GET /x?a=1&access_token=${letters}&b=2`, letters],
    ['a user of curl', 'curl -u me:hunter2 https://example.com', 'hunter2'],
    ['a password in a URL', 'postgres://me:hunter2@db.example:5432/x', 'hunter2'],
    ['a token in a URL', `https://${letters}@example.com/x.git`, letters],
    ['a private key', pem('RSA ', long), long.slice(0, 20)],
    ['a private key on one line', JSON.stringify(pem('', long)), long.slice(0, 20)],
    ['a private key in a field', `"private_key": ${JSON.stringify(pem('', long))}`, long.slice(0, 20)],
    ['a private key without its end', `-----BEGIN OPENSSH PRIVATE KEY-----\n${long}\n${long}`, long.slice(0, 20)],
  ])('is removed: %s', (_, text, secret) => {
    const out = redact(`before ${text} after`, []);
    expect(out).not.toContain(secret);
    expect(out).toContain('[redacted]');
    expect(out.startsWith('before ')).toBe(true);
    expect(redact(out, [])).toBe(out);
  });

  it('is removed without a change to the text around it', () => {
    expect(redact('run with password=hunter2, then "api_key": "abcdef", done', [])).toBe(
      'run with password=[redacted], then "api_key": "[redacted]", done',
    );
    expect(redact('https://me:hunter2@example.com/a?b=1#c', [])).toBe('https://me:[redacted]@example.com/a?b=1#c');
    expect(redact(`a ${pem('', long)} b`, [])).toBe('a [redacted] b');
    expect(redact('Checks "-----BEGIN PRIVATE KEY-----" in a file. All is well.', [])).toBe(
      'Checks "[redacted]" in a file. All is well.',
    );
  });
});

describe('a known value', () => {
  it('is removed whatever its form', () => {
    expect(redact('it is plain words, really', ['plain words'])).toBe('it is [redacted], really');
  });

  it('is removed also as a part of JSON or of a URL', () => {
    expect(redact('{"a":"p\\"w\\nd-1"} ?p=p%22w%0Ad-1', ['p"w\nd-1'])).toBe('{"a":"[redacted]"} ?p=[redacted]');
  });

  it('is removed without leaving half of two overlapping values', () => {
    expect(redact('abcdef123xyzfoo', ['abcdef123', '123xyzfoo'])).toBe('[redacted]');
  });

  it('is removed also when only its beginning is left in a cut text', () => {
    expect(redact('echo plain-enough-sec', ['plain-enough-secret'])).toBe('echo [redacted]');
  });

  it('is not removed when it is as short as a word', () => {
    expect(redact('yes or no', ['yes', 'no', ''])).toBe('yes or no');
  });
});

describe('ordinary text', () => {
  it.each([
    'The commit 1f2e3d4c5b6a79880123456789abcdef01234567 fixes it.',
    'run 0192f0c1-8b1e-7c3a-9d2e-1a2b3c4d5e6f ended',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'src/task/password.ts and /etc/secrets/token/readme.md',
    'password: string; token: Token | null',
    'const token = getToken(request.headers);',
    'const token = request.headers.token;',
    'login(user, password=user_password, token=process.env.TOKEN)',
    'if (password === undefined || token == null) return;',
    '{"token": "string", "password": "required"}',
    'const secret: Buffer = read();',
    'Used 1234 tokens: 1000 in, 234 out. Output tokens: 234. token: 12',
    'The --token flag is needed; --password is not.',
    'echo --password "$PASSWORD" --token=$TOKEN -H "Authorization: Bearer $TOKEN"',
    'Authorization: required',
    'a bearer of bad news; the bearer authentication',
    'task-management-for-everyone-1 and disk-usage-statistics-of-2025',
    'sk-learn-and-other-things-to-read',
    'ssh://git@example.com:22/x.git http://localhost:3000/@scope/name',
    'docker run -u 1000:1000 -u node:node image',
    'Enter your password: it must have 8 characters.',
    'git log --format=%H --since=2.weeks',
    'secret: /run/secrets/db/password',
    'PWD=/work/project/src',
    'ALTER TABLE t ADD PRIMARY KEY (id); // monkey=banana',
  ])('is unchanged: %s', (text) => {
    expect(redact(text, [])).toBe(text);
  });
});

describe('an arbitrary text', () => {
  const hostile: readonly (readonly [string, string])[] = [
    'a',
    ' ',
    '-',
    '=',
    '\\',
    '"',
    '://',
    '://a:',
    'eyJ',
    'eyJaaaaaaaa.',
    'sk-',
    'ghp_',
    'xoxb-',
    'password=',
    'password=$',
    'password: "',
    'token=a.',
    '--token ',
    '--a-',
    'authorization:',
    'authorization: bearer ',
    'bearer ',
    'cookie: a=',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----\nA: b\n',
    'AKIA',
    '-u a:',
    '\n',
    '\ud83d',
    'A-',
  ].map((piece) => [JSON.stringify(piece), piece]);

  it.each(hostile)('of a megabyte of %s is redacted quickly', (_, piece) => {
    const text = piece.repeat(Math.ceil(2 ** 20 / piece.length));
    const before = performance.now();
    redact(text, ['aaaaaaaaaaaaaaaaaaaaaaaab', `${piece.repeat(1_000)}!`, 'password=password=']);
    expect(performance.now() - before).toBeLessThan(1_500);
  });

  it('never keeps a known value', () => {
    const value = string({ unit: 'grapheme-ascii', minLength: 6, maxLength: 30 }).filter(
      (text) => !'[redacted]'.includes(text),
    );
    const piece = constantFrom(
      'password=',
      '://',
      '@',
      ' ',
      '"',
      'Bearer ',
      'sk-',
      '\n',
      '-----BEGIN PRIVATE KEY-----',
      '\\',
    );
    assert(
      property(
        array(value, { minLength: 1, maxLength: 4 }),
        array(oneof(piece, string({ maxLength: 9 })), { maxLength: 9 }),
        (values, pieces) => {
          const text = pieces.flatMap((part, index) => [part, values[index % values.length] as string]).join('');
          const out = redact(text, values).replaceAll('[redacted]', '\u0000');
          for (const each of values) expect(out).not.toContain(each);
        },
      ),
      { numRuns: fuzzRuns(2_000) },
    );
  });
});
