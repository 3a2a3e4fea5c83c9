import { describe, expect, it } from 'vitest';
import { parseConfig, readConfig } from '#config/config.ts';
import { ConfigError } from '#config/config-error.ts';
import { configPath, homeAt, locateHome, validateHome } from '#config/home.ts';
import { wrongWithBudget } from '#protocol/budget.ts';

const path = '/etc/clip.toml';
const refusal = (...lines: string[]): string => {
  try {
    parseConfig(lines.join('\n'), path, wrongWithBudget);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('It was accepted.');
};

describe('the configuration', () => {
  it('has defaults for missing settings, and for a missing file', () => {
    const silent = parseConfig('', path, wrongWithBudget);
    expect(silent).toMatchObject({
      after_crash: 'continue',
      log_level: 'info',
      leftovers_keep: expect.arrayContaining(['tmux', 'screen', 'ssh-agent', 'gpg-agent', 'dbus-daemon']),
    });
    expect(silent.max_runs).toBeGreaterThanOrEqual(2);
    expect(readConfig('/no/such/file.toml', wrongWithBudget)).toEqual(silent);
  });

  it('has the values of the file', () => {
    const said = [
      'max_runs = 3',
      'after_crash = "hold"',
      'log_level = "warn"',
      'leftovers_keep = []',
      'containment = "mark"',
      'continuation_attempts = 0',
      'automatic_runs_max = 9',
      'auto_done = true',
      'notifications = true',
      'hooks.failed = ["mail", "-s", "failed"]',
      '[budget]',
      'day = "20usd, 8h"',
      '[logs]',
      'keep_days = 30',
    ];
    expect(parseConfig(said.join('\n'), path, wrongWithBudget)).toEqual({
      max_runs: 3,
      max_agents: 8,
      task_environment: 'person',
      after_crash: 'hold',
      log_level: 'warn',
      leftovers_keep: [],
      containment: 'mark',
      continuation_attempts: 0,
      automatic_runs_max: 9,
      auto_done: true,
      notifications: true,
      hooks: {
        needs_you: null,
        failed: ['mail', '-s', 'failed'],
        exhausted: null,
        budget_reached: null,
        queue_empty: null,
      },
      budget: { run: null, day: '20usd, 8h' },
      logs: { compress_after_min: 60, keep_days: 30, size_max_gb: 5 },
    });
  });

  it.each<[string, number, string[]]>([
    ['max_run', 2, ['# how many', 'max_run = 3']],
    ['max', 2, ['max_runs = 3', 'max = 4']],
    ['after', 3, ['after_crash = "hold"', '', 'after="x"']],
    ['slots', 1, ['"slots" = 3']],
    ['queue', 2, ['max_runs = 3', '[queue]', 'held = true']],
    ['agents', 2, ['max_runs = 3', '  [[agents]]', 'name = "x"']],
    ['queue', 2, ['max_runs = 3', 'queue.held = true']],
    ['budget.week', 3, ['[budget]', 'day = "5usd"', 'week = "9usd"']],
    ['budget.week', 2, ['max_runs = 3', 'budget.week = "9usd"']],
    ['budget.week', 1, ['budget = { week = "9usd" }']],
  ])('names the unknown key "%s" and its line %d', (key, line, text) => {
    expect(refusal(...text)).toBe(`The configuration ${path}, line ${line}, does not know the key "${key}".`);
  });

  it.each<[string, number, string[]]>([
    ['max_runs', 2, ['after_crash = "hold"', 'max_runs = 0']],
    ['max_runs', 1, ['max_runs = 1.5']],
    ['max_runs', 1, ['max_runs = "3"']],
    ['after_crash', 1, ['after_crash = "explode"']],
    ['containment', 1, ['containment = "jail"']],
    ['leftovers_keep', 2, ['', 'leftovers_keep = ["tmux", 3]']],
    ['continuation_attempts', 1, ['continuation_attempts = -1']],
    ['auto_done', 1, ['auto_done = "yes"']],
    ['budget', 1, ['budget = "5usd"']],
    ['budget.day', 4, ['[budget]', '', 'run = "5usd"', 'day = 5']],
    ['budget.day', 3, ['[budget]', 'run = "5usd"', 'day = "lots"']],
    ['budget.run', 2, ['max_runs = 2', 'budget.run = "5"']],
    ['logs.keep_days', 2, ['[logs]', 'keep_days = -1']],
    ['logs.size_max_gb', 2, ['[logs]', 'size_max_gb = "5G"']],
    ['budget.run', 1, ['budget = { run = "" }']],
    ['budget.run', 2, ['[budget]', 'run = "5runs"']],
  ])('names the key %s with an invalid value and its line %d', (key, line, text) => {
    expect(refusal(...text)).toContain(`The configuration ${path}, line ${line}, has a bad value for "${key}" (`);
  });

  it('names the line that is not TOML', () => {
    expect(refusal('max_runs = 3', 'after_crash = ')).toContain(`${path}, line 2 is not TOML: `);
    expect(refusal('max_runs = 3', 'max_runs = 4')).toContain(`${path}, line 2 is not TOML: `);
  });

  it('is reported when it cannot be read', () => {
    expect(() => readConfig('/', wrongWithBudget)).toThrow(/^The configuration \/ cannot be read: EISDIR/);
  });

  it('is in XDG_CONFIG_HOME, else in .config', () => {
    expect(configPath({ XDG_CONFIG_HOME: '/x', HOME: '/h' })).toBe('/x/clip/config.toml');
    expect([configPath({ HOME: '/h' }), configPath({ XDG_CONFIG_HOME: '', HOME: '/h' })]).toEqual([
      '/h/.config/clip/config.toml',
      '/h/.config/clip/config.toml',
    ]);
  });
});

describe('the home', () => {
  it('is CLIP_HOME, else XDG_STATE_HOME/clip, else ~/.local/state/clip', () => {
    const all = { CLIP_HOME: '/c', XDG_STATE_HOME: '/s', HOME: '/h' };
    const found = [all, { ...all, CLIP_HOME: '' }, { HOME: '/h' }].map((env) => locateHome(env).folder);
    expect(found).toEqual(['/c', '/s/clip', '/h/.local/state/clip']);
  });

  it('is made absolute when CLIP_HOME is relative', () => {
    expect(locateHome({ CLIP_HOME: 'some/where' }).socket).toBe(`${process.cwd()}/some/where/clip.sock`);
  });

  it('is refused when it is too long for a socket path, counted in bytes', () => {
    const longest = `/no-such/${'x'.repeat(107 - '/no-such/'.length - '/keeper-00000000.sock'.length)}`;
    expect(validateHome(homeAt(longest))).toBe(null);
    expect(validateHome(homeAt(`${longest}x`))?.sentence).toContain(
      'is too long for a socket path (108 of 107 bytes).',
    );
    expect(validateHome(homeAt(`${longest.slice(0, -1)}ö`))?.sentence).toContain('(108 of 107 bytes)');
  });

  it('is refused when it is not a folder', () => {
    expect(validateHome(homeAt('/etc/passwd'))?.sentence).toBe('The home /etc/passwd is not a folder.');
    expect(validateHome(homeAt('/proc/self'))?.sentence).toContain(
      process.platform === 'linux' ? 'is a symbolic link' : '',
    );
  });
});
