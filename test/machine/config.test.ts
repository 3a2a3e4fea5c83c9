import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configure } from '../support/config.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';

type Setting = { key: string; value: unknown; default: unknown; source: string; line: number | null };
const fileOf = (home: TestHome) => join(home.env['XDG_CONFIG_HOME'] ?? '', 'clip/config.toml');
const settingsOf = async (home: TestHome) =>
  (await home.json<{ settings: Setting[] }>(['config', 'list', '--json'])).settings;

describe('A configuration open to others', () => {
  const spoiled: readonly [how: string, spoil: (file: string) => void, sentence: string][] = [
    ['is open to all', (file) => chmodSync(file, 0o666), 'may be changed by other users. Close it: chmod go-w'],
    [
      'lies in a folder that is open to all',
      (file) => chmodSync(dirname(file), 0o777),
      'may be changed by other users',
    ],
    ['belongs to another user', (file) => chownSync(file, 65_534, 65_534), 'belongs to another user (uid 65534)'],
  ];

  // Only root may change the owner of a file.
  it.each(process.getuid?.() === 0 ? spoiled : spoiled.slice(0, 2))(
    'is refused because it %s, as it names programs',
    async (_, spoil, sentence) => {
      const home = createHome();
      const marker = join(home.base, 'ran');
      configure(home, `[hooks]\nfailed = ["touch", "${marker}"]\n`);
      spoil(fileOf(home));
      const refused = await home.clip(['run', '-q', '-w', '--', 'false']);
      expect([refused.code, refused.stdout]).toEqual([125, '']);
      expect(refused.stderr).toContain(sentence);
      expect(existsSync(marker)).toBe(false);
    },
  );

  it("does not include one that its owner's own group may change", deep, async () => {
    const home = createHome();
    configure(home, 'max_runs = 3\n');
    chmodSync(fileOf(home), 0o664);
    expect((await home.clip(['run', '-q', '-w', '--', 'true'])).code).toBe(0);
  });
});

describe('clip config', () => {
  it('lists each setting with default and origin, and starts no daemon', deep, async () => {
    const home = createHome();
    configure(home, '# mine\n[logs]\nkeep_days = 7\n');
    const settings = await settingsOf(home);
    expect(settings.filter(({ source }) => source === 'file')).toEqual([
      expect.objectContaining({ key: 'logs.keep_days', value: 7, default: 90, line: 3 }),
    ]);
    expect(settings.length).toBeGreaterThan(10);
    expect((await home.clip(['config', 'list'])).stdout).toMatch(/logs\.keep_days = 7 {2}line 3\n {4}.*\(default 90\)/);
    expect((await home.clip(['config', 'get', 'logs.keep_days'])).stdout).toBe('7\n');
    expect((await home.clip(['config', 'path'])).stdout).toBe(`${fileOf(home)}\n`);
    expect(home.pidsOf('daemon')).toEqual([]);
  });

  it('changes a setting, keeps comments, and names a restart that is needed', deep, async () => {
    const home = createHome({ env: { CLIP_NO_SPAWN: '1' } });
    expect(await home.clip(['config', 'set', 'max_runs', '3'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(statSync(fileOf(home)).mode & 0o777).toBe(0o600);
    configure(home, '# mine\nmax_runs = 3 # few\n');
    expect((await home.clip(['config', 'set', 'hooks.failed', 'notify-send', '-u', 'critical', 'a b'])).code).toBe(0);
    expect((await home.clip(['daemon', 'start'], { env: { CLIP_NO_SPAWN: '' } })).code).toBe(0);
    const { stderr, code } = await home.clip(['config', 'set', 'max_runs', '5']);
    expect([code, stderr]).toEqual([0, 'The running daemon takes it up with: clip daemon restart (runs live on)\n']);
    expect(readFileSync(fileOf(home), 'utf8')).toBe(
      '# mine\nmax_runs = 5 # few\n\n[hooks]\nfailed = [ "notify-send", "-u", "critical", "a b" ]\n',
    );
    await home.clip(['config', 'unset', 'hooks.failed']);
    expect(readFileSync(fileOf(home), 'utf8')).toBe('# mine\nmax_runs = 5 # few\n\n[hooks]\n');
    await home.clip(['daemon', 'restart'], { env: { CLIP_NO_SPAWN: '' } });
    expect((await home.json<{ queue: { slots: number } }>(['status', '--json'])).queue.slots).toBe(5);
  });

  it.each([
    [['set', 'max_runs', 'many'], 2, 'max_runs must be a whole number, not "many"'],
    [['set', 'max_runs', '0'], 2, 'max_runs must be a whole number'],
    [['set', 'budget.day', '5foo'], 2, '"5foo" is no amount'],
    [['set', 'after_crash', 'wait'], 2, 'after_crash must be "continue" or "hold"'],
    [['set', 'max_run', '3'], 3, 'There is no setting max_run.'],
    [['get', 'hooks'], 3, 'There is no setting hooks.'],
  ])('%j is refused with a message, and the file stays as it was', deep, async (args, code, says) => {
    const home = createHome();
    configure(home, 'max_runs = 3\n');
    const result = await home.clip(['config', ...args]);
    expect([result.code, result.stderr]).toEqual([code, expect.stringContaining(says)]);
    expect(readFileSync(fileOf(home), 'utf8')).toBe('max_runs = 3\n');
  });

  it('leaves an invalid file alone, and writes through a link to the real file', deep, async () => {
    const home = createHome();
    configure(home, 'max_rnus = 3\n');
    expect(await home.clip(['config', 'set', 'max_runs', '3'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('line 1, does not know the key "max_rnus"'),
    });
    const kept = join(home.base, 'kept.toml');
    const linked = createHome({ env: { XDG_CONFIG_HOME: join(home.base, 'linked') } });
    mkdirSync(join(home.base, 'linked/clip'), { recursive: true });
    writeFileSync(kept, 'auto_done = true\n');
    symlinkSync(kept, fileOf(linked));
    expect((await linked.clip(['config', 'set', 'max_runs', '3'])).code).toBe(0);
    expect(readFileSync(kept, 'utf8')).toBe('auto_done = true\nmax_runs = 3\n');
    expect(lstatSync(fileOf(linked)).isSymbolicLink()).toBe(true);
  });
});
