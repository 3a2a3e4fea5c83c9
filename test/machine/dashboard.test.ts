/** The real dashboard in a real terminal. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { BoardLine } from '#protocol/board.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, processesOf, type TestHome } from '../support/home.ts';
import { openTerminal, type Terminal } from '../support/tmux.ts';
import { until } from '../support/until.ts';

/** Opens the dashboard of a home that has a run. A test below covers the empty dashboard. */
async function opened(home: TestHome, options: Parameters<typeof openTerminal>[1] = {}): Promise<Terminal> {
  const terminal = openTerminal(home, options);
  await terminal.shows(/^\$/m);
  terminal.keys('clip status --watch; echo "left with $?"', 'Enter');
  await terminal.shows(/^clip · /m);
  return terminal;
}

const dashboardPid = (home: TestHome): number =>
  processesOf(home.folder).find(
    ({ command, environment }) => command.includes('status --watch') && !environment.includes('CLIP_ROLE='),
  )?.pid ?? 0;

/** Checks that the terminal has its own screen, cursor and mouse again, and that typed text is visible. */
async function restored(terminal: Terminal): Promise<void> {
  await until('the shell has its screen again', () => !terminal.alternate() && terminal.cursorShown());
  await until('the shell has the mouse again', () => !terminal.reportsMouse());
  terminal.keys('C-l');
  terminal.keys('echo typed and $((40 + 2))', 'Enter');
  expect(await terminal.shows('typed and 42')).toContain('$ echo typed and');
}

describe('clip status --watch', () => {
  it('shows a run as it starts, its output and its end, without a key press', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const terminal = await opened(home);
    await terminal.shows('Nothing runs. Start something: clip run -- make test');
    const number = await home.submit([
      '--name',
      'counter',
      '--',
      'sh',
      '-c',
      'for i in 1 2 3; do echo line $i; done; sleep 1000',
    ]);
    await terminal.shows(/#1 +● running +counter .*line 3/);
    await home.clip(['cancel', String(number)]);
    await terminal.shows(/Recently ended 1[\s\S]*#1 +⊘ cancelled/);
    terminal.keys('q');
    await terminal.shows('left with 0');
    await restored(terminal);
  });

  it('opens a run with its log, goes back, filters, shows timeline and keys', deep, async () => {
    const home = createHome();
    await home.submit(['--name', 'other', '--', 'sleep', '1000']);
    await home.submit([
      '--name',
      'talker',
      '--',
      'sh',
      '-c',
      'seq 100; i=0; while sleep 0.1; do i=$((i+1)); echo said $i; done',
    ]);
    const terminal = await opened(home);
    await terminal.shows(/#2 +● running/);
    terminal.keys('j', 'Enter');
    await terminal.shows(/Run 2 +● running[\s\S]*History[\s\S]*Log \(live\)[\s\S]*said \d+/);
    terminal.keys('l', 'PageUp');
    const back = await terminal.shows('more below, end follows');
    expect(back).not.toContain('History');
    terminal.keys('Escape');
    await terminal.shows('Running 2');
    terminal.keys('/');
    terminal.type('talk');
    await terminal.shows(/\/talk/);
    terminal.keys('Enter');
    expect(await terminal.shows('filter: talk')).not.toMatch(/#1 /);
    terminal.keys('Escape', 'T');
    await terminal.shows(/Timeline {2}6 h[\s\S]*commands +.*▒/);
    terminal.keys('?');
    await terminal.shows('leave; all runs go on');
    terminal.keys('C-c');
    await terminal.shows('left with 0');
    expect((await home.json<{ live: unknown[] }>(['status', '--json'])).live).toHaveLength(2);
  });

  it('cancels after a confirmation, and kills a stopping run at once', deep, async () => {
    const home = createHome();
    await home.submit(['--grace', '10m', '--name', 'stubborn', '--', process.execPath, agent('ignores-signals.mjs')]);
    const terminal = await opened(home);
    await terminal.shows(/#1 +● running/);
    terminal.keys('c');
    await terminal.shows('Cancel run 1 and all that it started?');
    terminal.keys('n');
    await terminal.shows('Run 1 goes on.');
    terminal.keys('c');
    await terminal.shows('Cancel run 1 and all that it started?');
    terminal.keys('y');
    await terminal.shows(/#1 +◌ stopping/);
    terminal.keys('c');
    await terminal.shows(/#1 +⊘ cancelled/);
    expect(await home.show(1)).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' });
    terminal.keys('r');
    await terminal.shows(/#2 +● running/);
    await home.clip(['cancel', '2', '--now']);
  });

  it('adds a task and a run, and continues the task with words', deep, async () => {
    const home = createHome();
    await home.clip(['agent', 'add', 'coder', '--adapter', 'plain', '--command', '/bin/cat']);
    const terminal = await opened(home);
    await terminal.shows('Nothing runs.');
    terminal.keys('n');
    terminal.type('Write the docs');
    terminal.keys('Enter');
    await terminal.shows(/none +me +coder/);
    terminal.type('me');
    terminal.keys('Enter');
    await terminal.shows(/T1 is added and yours, in /);
    await terminal.shows(/▸ T1 Write the docs/);
    terminal.keys('m');
    terminal.type('begin');
    terminal.keys('Enter');
    await terminal.shows('✗ T1 is assigned to no agent.');
    terminal.keys('Escape', 'a');
    await terminal.shows('Assign T1 to: ');
    await terminal.shows('▸ coder');
    terminal.keys('Enter');
    await terminal.shows(/#1 +. succeeded[\s\S]*T1/);
    terminal.keys('N', 'Enter');
    terminal.type('echo hello | tr a-z A-Z');
    terminal.keys('Enter');
    await terminal.shows(/sh -c 'echo hello/);
    terminal.keys('D');
    await terminal.shows('T1 is done.');
    terminal.keys('q');
    await restored(terminal);
    expect((await home.json<{ task: { status: string } }>(['task', 'show', 'T1', '--json'])).task.status).toBe('done');
  });

  it('hears the wheel, searches in a log, and shows the place in it', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'seq', '1', '400']);
    const terminal = await opened(home);
    await terminal.shows(/#1 +✓ succeeded/);
    terminal.keys('l');
    await terminal.shows('400/400');
    terminal.keys('-H', '1b', '5b', '3c', '36', '34', '3b', '31', '3b', '31', '4d');
    await terminal.shows('397/400');
    terminal.keys('g', 'g');
    await terminal.shows(/^1\n2\n3$/m);
    terminal.keys('/');
    terminal.type('77');
    terminal.keys('Enter');
    await terminal.shows('/77 ');
    terminal.keys('n');
    await terminal.shows(/\/77 2\/4/);
    terminal.keys('q');
    await restored(terminal);
  });

  it('says that the daemon was killed, and shows all again with the next', deep, async () => {
    const home = createHome();
    await home.submit(['--name', 'survivor', '--', 'sleep', '1000']);
    const terminal = await opened(home);
    await terminal.shows(/#1 +● running/);
    const before = home.daemonPid();
    const keeper = home.pidsOf('keeper')[0] as number;
    // The suspended keeper cannot start the next daemon before the dashboard shows that there is none.
    process.kill(keeper, 'SIGSTOP');
    await home.kill(before);
    await terminal.shows(/reconnecting…[\s\S]*#1 +● running/);
    process.kill(keeper, 'SIGCONT');
    await until('the next daemon is running', () => home.pidsOf('daemon').some((pid) => pid !== before));
    await until(
      'the run is shown as live again',
      () => !terminal.screen().includes('reconnecting') && /#1 +● running/.test(terminal.screen()),
    );
    await home.submit(['--name', 'later', '--', 'sleep', '1000']);
    await terminal.shows('later');
    await home.clip(['daemon', 'stop']);
    await terminal.shows('the daemon was stopped: clip daemon start');
    terminal.keys('c');
    await terminal.shows('and all that it started?');
    terminal.keys('y');
    await terminal.shows('The daemon is not running. Start it: clip daemon start');
    await home.clip(['daemon', 'start']);
    await terminal.shows(/^clip · 2 of/m);
  });

  it('adapts to a changed size of the terminal, down to 40 columns', deep, async () => {
    const home = createHome();
    await home.submit(['--name', 'a-name-that-is-rather-long', '--', 'sleep', '1000']);
    const terminal = await opened(home);
    for (const [columns, rows] of [
      [40, 24],
      [200, 50],
      [80, 24],
      [50, 24],
    ] as const) {
      terminal.resize(columns, rows);
      await until(`it fits ${columns} × ${rows}`, () => {
        const lines = terminal.screen().trimEnd().split('\n');
        // The last line shows the key that quits, at any size.
        return (
          lines.length === rows &&
          lines[0]?.startsWith('clip · ') &&
          lines.at(-1)?.endsWith('q quit') &&
          lines.filter((line) => /#1 +● running/.test(line)).length === 1 &&
          lines.filter((line) => line.includes('Running 1')).length === 1
        );
      });
    }
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('restores the terminal when it gets %s', deep, async (signal) => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const terminal = await opened(home);
    expect([terminal.alternate(), terminal.reportsMouse()]).toEqual([true, true]);
    process.kill(dashboardPid(home), signal);
    // The shell drops the rest of the line after a program that died of SIGINT.
    if (signal !== 'SIGINT') await terminal.shows(/left with 1\d\d/);
    await restored(terminal);
  });

  it('can be suspended with Ctrl-Z and continued', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    const terminal = await opened(home);
    terminal.keys('C-z');
    await terminal.shows('Stopped');
    await restored(terminal);
    terminal.resize(60, 20);
    terminal.keys('fg', 'Enter');
    await until('it is drawn for the size that the terminal got meanwhile', () => {
      const lines = terminal.screen().trimEnd().split('\n');
      return (
        lines.length === 20 &&
        lines.at(-1)?.endsWith('q quit') &&
        lines.filter((line) => /#1 +● running/.test(line)).length === 1
      );
    });
    terminal.keys('q');
    await until('the shell has its screen again', () => !terminal.alternate());
  });

  it('shows everything without colors, and sends no color codes', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    const terminal = await opened(home, { env: { NO_COLOR: '1' } });
    expect(await terminal.shows('● running')).not.toContain('\u001b');
  });

  it('reports that no daemon runs instead of starting one', deep, async () => {
    const home = createHome();
    const { code, stderr, stdout } = await home.clip(['status', '--watch']);
    expect([code, stdout]).toEqual([4, '']);
    expect(stderr).toContain('The daemon is not running.');
    expect(home.pidsOf('daemon')).toEqual([]);
  });

  it('prints changes as lines with --plain, and without a terminal', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    for (const extra of [['--plain'], []]) {
      const child = home.start(['status', '--watch', ...extra]);
      let said = '';
      child.stdout?.on('data', (chunk) => {
        said += String(chunk);
      });
      await until('the screen reader output shows the counts', () => said.includes('0 queued'));
      const number = await home.submit(['--', 'sh', '-c', 'sleep 0.4; exit 3']);
      await until('the screen reader output shows the end', () => said.includes(`Run ${number} has failed after `));
      expect(said).toContain(`Run ${number} is running (sh -c 'sleep 0.4; exit 3').\n`);
      expect(said).toMatch(new RegExp(`Run ${number} has failed after .* \\(exit 3\\)\\.\n`));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
      expect(said).not.toMatch(/[\u001b\r]/);
      child.kill('SIGTERM');
    }
  });

  it('prints the same as JSON lines: everything first, and then only changes', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    const child = home.start(['status', '--watch', '--json']);
    let said = '';
    child.stdout?.on('data', (chunk) => {
      said += String(chunk);
    });
    const lines = () =>
      said
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as BoardLine);
    await until('the first line is printed', () => lines().length > 0);
    expect(Object.keys(lines()[0] as BoardLine).sort()).toEqual([
      'daemon',
      'live',
      'needsYou',
      'queue',
      'queued',
      'recent',
      'runs',
      'spentToday',
      'type',
    ]);
    const second = await home.submit(['--', 'sleep', '1000']);
    await until('the board lists the second run', () => lines().some(({ live }) => live?.includes(second)));
    const news = lines().find(({ live }) => live?.includes(second)) as BoardLine;
    expect([news.needsYou, news.spentToday]).toEqual([undefined, undefined]);
    child.kill('SIGTERM');
  });
});

it('a terminal is available for the tests of the dashboard', () => {
  expect(spawnSync('tmux', ['-V'], { encoding: 'utf8' }).stdout).toMatch(/^tmux \d/);
});
