import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePsBirth, parseStat } from '#process/process-birth.ts';
import { parsePsEnvironments, parsePsFacts } from '#process/process-table-darwin.ts';

const recorded = (name: string) => readFileSync(new URL(`../../fixtures/ps/${name}.txt`, import.meta.url), 'utf8');
const seconds = (...at: Parameters<typeof Date.UTC>) => Date.UTC(...at) / 1_000;

/** Returns a line of /proc/<pid>/stat as Linux 6 writes it, for a process with this name. */
const stat = (name: string, state = 'S') =>
  `4242 (${name}) ${state} 4200 4240 4239 34816 4242 4194304 1123 0 2 0 5 3 0 0 20 0 11 0 987654 1267720192 12043 18446744073709551615 1 1 0 0 0 0 0 4096 81920 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n`;

describe('a line of /proc/<pid>/stat', () => {
  it.each([
    'node',
    'tmux: server',
    'a) R 1 (b',
    ')',
    '(',
    '',
    ') S 1 1 1',
    '((sd-pam))',
    'new\nline',
    'Web Content',
    '12 34',
  ])('is read for a process named "%s"', (name) => {
    expect(parseStat(stat(name))).toEqual({
      state: 'S',
      ppid: 4200,
      pgid: 4240,
      session: 4239,
      startTime: 987_654,
      command: name,
    });
  });

  it.each(['R', 'S', 'D', 'Z', 'X', 'T', 'I'])('is read for a process in state %s', (state) => {
    expect(parseStat(stat('x', state))?.state).toBe(state);
  });

  it('is null when the line has another format', () => {
    for (const line of ['', '\n', 'x', '4242 (node', '4242 node) S 1', ') (']) expect(parseStat(line)).toBe(null);
  });

  it('is null when it is incomplete, as half an identity is none', () => {
    const whole = stat('node');
    const upToTheStart = whole.indexOf('987654');
    for (let length = 0; length < upToTheStart; length += 1) expect(parseStat(whole.slice(0, length))).toBe(null);
    expect(parseStat(whole.slice(0, whole.indexOf(' 1267720192')))).toMatchObject({ startTime: 987_654 });
  });
});

describe('start times from ps on macOS', () => {
  it('are seconds since the epoch, and null for a zombie', () => {
    expect(recorded('births').trimEnd().split('\n').map(parsePsBirth)).toEqual([
      seconds(2026, 10, 5, 9, 3, 7),
      seconds(2026, 10, 22, 19, 9, 35),
      seconds(2025, 11, 31, 23, 59, 59),
      seconds(2026, 0, 1),
      seconds(2020, 1, 29, 12),
      seconds(2026, 10, 2, 7, 0, 1),
      seconds(2026, 10, 20),
      null,
      null,
    ]);
  });

  it('are null for any other output of ps', () => {
    const lines = [
      '',
      'Ss',
      'Sun Nov 22 19:09:35 2026',
      'ps: 4242: No such process',
      'Ss Foo Bar 22 19:09:35 2026',
      'Ss Sun Nov 22 25:61:61 2026',
      'Ss So 22 Nov 19:09:35 2026',
    ];
    expect(lines.map(parsePsBirth)).toEqual(lines.map(() => null));
  });

  it('are the same from the long list and from a single query', () => {
    const [row] = parsePsFacts('4242 4200 4242 0 Ss Sun Nov 22 19:09:35 2026     sh');
    expect(row?.startTime).toBe(parsePsBirth('Ss   Sun Nov 22 19:09:35 2026    '));
  });
});

describe('processes from ps on macOS', () => {
  const rows = parsePsFacts(recorded('facts'));

  it('are all except the zombies', () => {
    expect(rows.map(({ pid }) => pid)).toEqual([501, 612, 733, 4242, 4243, 4244, 4247, 99_999, 12_345]);
  });

  it('have their names with blanks, brackets and digits', () => {
    const names = [
      'loginwindow',
      'Google Chrome He',
      'Code Helper (Plu',
      'sh',
      'node',
      'my tool v2',
      'Zed',
      '2026 12:00:00',
      ') R 1 (',
    ];
    expect(rows.map(({ command }) => command)).toEqual(names);
  });

  it('have parent, group and start time, with the group as session', () => {
    expect(rows[4]).toEqual({
      pid: 4_243,
      ppid: 4_242,
      pgid: 4_242,
      session: 4_242,
      startTime: seconds(2026, 10, 22, 19, 9, 35),
      command: 'node',
    });
    expect(rows[6]).toEqual({
      pid: 4_247,
      ppid: 1,
      pgid: 4_247,
      session: 4_247,
      startTime: seconds(2026, 10, 2, 7, 0, 1),
      command: 'Zed',
    });
  });

  it('are none in a text that is not a list', () => {
    expect(
      ['', '\n\n', 'ps: illegal option -- E\nusage: ps [-AaCcEefhjlMmrSTvwXx]\n', 'PID PPID'].flatMap(parsePsFacts),
    ).toEqual([]);
  });
});

describe('environments from ps on macOS', () => {
  const found = parsePsEnvironments(recorded('environments'), recorded('commands'));
  const marks = Object.fromEntries([...found].map(([pid, { mark }]) => [pid, mark]));
  const run = 'r0123456789abcd';

  it("show a run's mark after values with blanks and at the end", () => {
    expect([marks[4242], marks[4243], marks[99999]]).toEqual([run, run, run]);
  });

  it('take precedence over an argument that looks like a mark', () => {
    expect(marks[4244]).toBe(run);
  });

  it('are not read from arguments that only name a mark or a role', () => {
    expect(found.get(4246)).toEqual({ mark: null, ours: false });
  });

  it('show no mark that is empty, absent, hidden or part of a name', () => {
    expect([marks[501], marks[612], marks[4245], marks[4247], marks[4248]]).toEqual([null, null, null, null, null]);
  });

  it('distinguish daemons and keepers of clip from other processes', () => {
    expect([...found].flatMap(([pid, { ours }]) => (ours ? [pid] : []))).toEqual([4_200, 4_201]);
  });

  it('include every process of the list, and none of another text', () => {
    expect([...found.keys()]).toEqual([
      501, 612, 4_200, 4_201, 4_242, 4_243, 4_244, 4_245, 4_246, 4_247, 4_248, 4_249, 99_999,
    ]);
    expect(parsePsEnvironments('ps: illegal option -- E\n\n', recorded('commands')).size).toBe(0);
  });
});
