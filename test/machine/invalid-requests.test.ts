import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configure } from '../support/config.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, type Result } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Returns the error, which must be one sentence and one hint on stderr. */
function refusal(result: Result): string {
  expect(result.stdout).toBe('');
  expect(result.stderr).toMatch(/^clip: \S.*[.?]\n {6}\S.*\n$/);
  expect(result.stderr).not.toMatch(/\n\s+at |undefined|\[object/);
  return result.stderr;
}

describe('an invalid request', () => {
  it('is refused with a message, a hint and exit code 2', deep, async () => {
    const home = createHome();
    const long = 'x'.repeat(300);
    const cases: [args: string[], says: RegExp][] = [
      [['run'], /no command/],
      [['run', '--', ''], /must name a command/],
      [['run', '--timeout', '-5s', '--', 'true'], /"-5s" is not a duration/],
      [['run', '--timeout', 'soon', '--', 'true'], /"soon" is not a duration/],
      [['run', '--timeout', '99999d', '--', 'true'], /longer than 365 days/],
      [['run', '--timeout', `${'9'.repeat(400)}d`, '--', 'true'], /longer than 365 days/],
      [['run', '--silence', '1h30', '--', 'true'], /not a duration/],
      [['run', '--silence', '0', '--', 'true'], /longer than nothing/],
      [['run', '--grace', '', '--', 'true'], /not a duration/],
      [['run', '--max-output', 'lots', '--', 'true'], /not a size/],
      [['run', '--max-output', '-1', '--', 'true'], /not a size/],
      [['run', '--priority', 'high', '--', 'true'], /whole number/],
      [['run', '--priority', '99999999', '--', 'true'], /priority/],
      [['run', '--label', 'novalue', '--', 'true'], /KEY=VALUE/],
      [['run', '--label', `${long}=x`, '--', 'true'], /The label x{50,}.* must be at most 100 characters long\./],
      [['run', '--label', `k=${long}`, '--', 'true'], /The label k /],
      [['run', '--label', 'k=a\nb', '--', 'true'], /control characters/],
      [
        ['run', ...Array.from({ length: 33 }, (_, index) => ['--label', `k${index}=v`]).flat(), '--', 'true'],
        /The labels must be at most 32/,
      ],
      [['run', '--key', long, '--', 'true'], /key/],
      [['run', '--key', '', '--', 'true'], /key/],
      [['run', '--name', long, '--', 'true'], /name/],
      [['run', '--name', '42', '--', 'true'], /all digits/],
      [['run', '--name', '@me', '--', 'true'], /begin with @/],
      [['run', '--name', 'a\u001b[31mred', '--', 'true'], /control characters/],
      [['run', '--name', 'a\u0007', '--', 'true'], /control characters/],
      [['run', '--group', '\u001b]0;title\u0007', '--', 'true'], /control characters/],
      [['run', '--env', 'NOVALUE', '--', 'true'], /KEY=VALUE/],
      [['run', '--on-loss', 'perhaps', '--', 'true'], /retry, fail/],
      [['run', '--nonsense', '--', 'true'], /nknown option '--nonsense'/],
      [['run', '--batch', 'x', '--', 'true'], /brings its own commands/],
      [['runs', '--limt', '3'], /Did you mean --limit\?/],
      [['rnus'], /Did you mean runs\?/],
      [['daemon', 'statsu'], /Did you mean status\?/],
      [['show'], /RUN is missing/],
      [['show', ''], /run/],
      [['show', long], /run/],
      [['show', 'x'.repeat(5_000)], /run/],
      [['show', '1', '2'], /oo many arguments/],
      [['logs', '1', '--stream', 'stdin'], /stdout, stderr, both/],
      [['logs', '1', '-n', 'few'], /whole number/],
      [['cancel'], /nothing to cancel/],
      [['cancel', '1', '--grace', 'never'], /not a duration/],
      [['cancel', '--label', 'novalue'], /key=value/],
      [['events', '--since', 'yesterday'], /whole number/],
      [['group', 'set', 'g', '--limit', '0'], /at least 1/],
      [['group', 'set', 'g'], /--limit/],
      [['help', 'nonsense'], /no help on nonsense/],
    ];
    for (const [args, says] of cases) {
      const result = await home.clip(args);
      expect([args, result.code, refusal(result)]).toEqual([args, 2, expect.stringMatching(says)]);
      expect(result.stderr.length).toBeLessThan(1_000);
    }
    expect(await home.json(['runs', '--json'])).toMatchObject({ runs: [] });
  });

  it('for something that does not exist names it, with exit code 3', deep, async () => {
    const home = createHome();
    const cases: [args: string[], says: RegExp][] = [
      [['show', '1'], /There is no run 1\./],
      [['show', '@last'], /There are no runs yet\./],
      [['show', '../../etc/passwd'], /There is no run /],
      [['show', 'a?b#c%2F'], /There is no run a\?b#c%2F\./],
      [['logs', '99999999999999999999'], /There is no run /],
      [['run', '--after', '7', '--', 'true'], /There is no run 7\./],
      [['run', '--cwd', 'no/such', '--', 'true'], /work folder .*no\/such does not exist/],
      [['run', '--stdin', 'no/such', '--', 'true'], /input file .*no\/such does not exist/],
    ];
    for (const [args, says] of cases) {
      const result = await home.clip(args);
      expect([args, result.code, refusal(result)]).toEqual([args, 3, expect.stringMatching(says)]);
    }
  });

  it('to cancel twice is no error, but an ended run is refused with 5', deep, async () => {
    const home = createHome();
    await home.submit(['--grace', '1h', '--', 'sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']);
    await home.untilStatus(1, 'running');
    const output = home.start(['logs', '-f', '1']);
    await new Promise((resolve) => output.stdout?.once('data', resolve));
    expect((await home.clip(['cancel', '--no-wait', '1'])).code).toBe(0);
    const second = await home.clip(['cancel', '--no-wait', '1']);
    expect([second.code, second.stdout]).toEqual([0, 'Run 1 is being stopped already.\n']);
    const now = await home.clip(['cancel', '--now', '1']);
    expect([now.code, now.stdout]).toEqual([0, expect.stringMatching(/Run 1 cancelled \(SIGKILL\)/)]);
    const late = await home.clip(['cancel', '1']);
    expect([late.code, late.stdout]).toEqual([5, '']);
    expect(late.stderr).toMatch(/^clip: Run 1 has already ended \(killed by SIGKILL, \d+ s ago\)\.\n/);
  });
});

describe('an invalid configuration', () => {
  it.each([
    ['max_runs = 2\n\nmax_rums = 3\n', /line 3, does not know the key "max_rums"/],
    ['# a comment\nmax_runs = "many"\n', /line 2, has a bad value for "max_runs"/],
    ['max_runs = 2\nafter_crash = \n', /line 2 is not TOML/],
  ])('stops the start of the daemon, with its key and line: %j', deep, async (text, says) => {
    const home = createHome();
    configure(home, text);
    for (const args of [
      ['daemon', 'start'],
      ['run', '--', 'true'],
    ]) {
      const result = await home.clip(args);
      expect([result.code, refusal(result)]).toEqual([2, expect.stringMatching(says)]);
      expect(result.stderr).toContain('config.toml');
    }
    await until('the daemon has exited', () => home.pidsOf('daemon').length === 0);
    configure(home, 'max_runs = 2\n');
    expect((await home.clip(['run', '-q', '--wait', '--', 'true'])).code).toBe(0);
  });
});

describe('a long command line', () => {
  it('of many arguments works; one beyond the limit of the system is refused', deep, async () => {
    const home = createHome();
    const words = Array.from({ length: 2_000 }, (_, index) => String(index).padStart(100, 'x'));
    const result = await home.clip(['run', '--wait', '-q', '--', 'sh', '-c', 'printf %s "$*" | wc -c', 'sh', ...words]);
    expect(result.code).toBe(0);
    expect((await home.clip(['logs', '1'])).stdout.trim()).toBe(String(2_000 * 101 - 1));
    // A shell cannot pass this argument to clip either, but a batch can contain it.
    const batch = await home.clip(['run', '--batch', '-'], {
      input: JSON.stringify({ command: ['echo', 'x'.repeat(200_000)] }),
    });
    expect(batch.code).toBe(1);
    const { error } = JSON.parse(batch.stdout);
    expect(error).toEqual({
      code: 'too_large',
      message: expect.stringContaining('200000 bytes'),
      hint: expect.stringContaining('--stdin FILE'),
    });
    const many = await home.clip(['run', '--batch', '-'], {
      input: JSON.stringify({ command: Array.from({ length: 5_000 }, () => 'x') }),
    });
    expect([many.code, JSON.parse(many.stdout).error.code]).toEqual([1, 'usage']);
    const line = await home.clip(['run', '--batch', '-'], {
      input: `{"command":["echo","${'x'.repeat(2 ** 21)}"]}\n{"command":["true"]}\n`,
    });
    expect(
      line.stdout
        .split('\n')
        .flatMap((text) => (text === '' ? [] : [JSON.parse(text)]))
        .map(({ error: refused, run }) => refused?.code ?? run.number),
    ).toEqual(['too_large', 2]);
  });
});

describe('output with control codes', () => {
  const bytes = '\u001b[31mred\u001b[0m \u001b]0;title\u0007\u0000\u0008bell\u0007 \u009b2Jend\r\n';

  it('is unchanged in a pipe, and cleaned on a terminal', deep, async () => {
    const home = createHome();
    writeFileSync(join(home.base, 'bytes'), bytes);
    await home.clip(['run', '--wait', '--name', 'plain', '--', 'sh', '-c', 'cat bytes; cat bytes >&2']);
    const piped = await home.clip(['logs', '1']);
    expect([piped.stdout, piped.stderr]).toEqual([bytes, bytes]);
    const onTerminal = (command: string) =>
      execFileSync('script', ['-qec', `"${process.execPath}" "${program}" ${command}`, '/dev/null'], {
        env: { ...home.env, TERM: 'xterm', NO_COLOR: '1' },
        cwd: home.base,
        stdio: ['ignore', 'pipe', 'pipe'],
      }).toString();
    expect(onTerminal('logs --stream stdout 1').replaceAll('\r', '')).toBe('red bell end\n');
    expect(onTerminal('logs --stream stderr 1').replaceAll('\r', '')).toBe('red bell end\n');
    expect(onTerminal('run --follow -- cat bytes')).toContain('red bell end');
    expect(onTerminal('logs --raw --stream stdout 1')).toContain('\u001b[31mred\u001b[0m \u001b]0;title\u0007');
  });

  it('in a command or an argument is cleaned wherever the run is shown', async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'printf', 'x', '\u001b[31mred\u0007\n']);
    for (const args of [['runs'], ['show', '1'], ['show', '1', '--json']]) {
      const { stdout } = await home.clip(args);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
  });
});
