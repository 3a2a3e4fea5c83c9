/** @module-tag deep */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agent, createHome, type Result, resultOf, root } from '../support/home.ts';
import { npm, packed, scratch } from '../support/installed.ts';

const longMs = 300_000;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const later = '99.1.0';

/** This Node only, or all supported versions with CLIP_ALL_NODES=1. */
const majors = process.env['CLIP_ALL_NODES'] === '1' ? ['22', '24', '26'] : [null];

async function nodeOf(major: string | null, folder: string): Promise<string> {
  if (major === null) return process.execPath;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  await npm(['install', `node@${major}`], { node: process.execPath, cwd: folder });
  return join(folder, 'node_modules/node/bin/node');
}

describe('the package', () => {
  it('has its programs, their files, the manual and all licenses only', async () => {
    const { stdout } = await npm(['pack', '--dry-run', '--json', '--ignore-scripts'], {
      node: process.execPath,
      cwd: root,
    });
    const told = JSON.parse(stdout) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
    const paths = (Object.values(told)[0]?.files ?? []).map(({ path }) => path);
    for (const path of [
      'bin/clip.js',
      'bin/clipd.js',
      'dist/clip.program.cjs',
      'dist/THIRD-PARTY.txt',
      'man/clip.1',
      'skills/clip/SKILL.md',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
    ])
      expect(paths).toContain(path);
    expect(paths.filter((path) => path.startsWith('migrations/')).length).toBeGreaterThan(3);
    expect(paths.filter((path) => /^(src|test|scripts|node_modules)\/|\.map$|\.ts$/.test(path))).toEqual([]);
    const notices = readFileSync(join(root, 'dist/THIRD-PARTY.txt'), 'utf8');
    for (const name of ['fastify', 'zod', 'commander', 'drizzle-orm', 'execa'])
      expect(notices).toMatch(new RegExp(`^${name} \\d.* \\(.+\\)$`, 'm'));
  });

  it('has nothing that publint reports', () => {
    expect(
      execFileSync(process.execPath, [join(root, 'node_modules/publint/src/cli.js'), '--strict', '--pack', 'npm'], {
        cwd: root,
        encoding: 'utf8',
      }),
    ).toContain('All good');
  });

  it('has a manual page with every verb, in which groff and mandoc report nothing', async () => {
    const page = join(root, 'man/clip.1');
    const listed = (await createHome().clip(['help'])).stdout.split('Runs:')[1]?.split('Examples')[0] ?? '';
    const verbs = listed.match(/^ {2}[a-z-]+/gm) ?? [];
    const text = readFileSync(page, 'utf8');
    expect(verbs.length).toBeGreaterThan(20);
    for (const verb of verbs) expect(text).toContain(`.SS "clip ${verb.trim().replaceAll('-', '\\-')}`);
    for (const [program = '', ...args] of [
      ['groff', '-man', '-ww', '-z', '-Tutf8'],
      ['mandoc', '-Tlint', '-Wwarning'],
    ]) {
      const { error, stdout, stderr } = spawnSync(program, [...args, page], { encoding: 'utf8' });
      if (error === undefined) expect([program, stdout, stderr]).toEqual([program, '', '']);
    }
  });
});

describe.each(majors)('the package installed under Node %s', (major) => {
  it('runs, is upgraded beside a live run, and is removed', { timeout: longMs }, async () => {
    const folder = scratch();
    const node = await nodeOf(major, join(folder, 'node'));
    const prefix = join(folder, 'prefix');
    const home = createHome();
    const env = { ...home.env, PATH: `${join(node, '..')}:${join(prefix, 'bin')}:/usr/bin:/bin` };
    const clip = (...args: string[]): Promise<Result> =>
      resultOf(
        spawn(node, [join(prefix, 'bin/clip'), ...args], { env, cwd: home.base, stdio: ['ignore', 'pipe', 'pipe'] }),
      );
    const install = (tarball: string) =>
      npm(['install', '--global', '--prefix', prefix, tarball], { node, cwd: folder });

    expect((await install(await packed(folder, null))).stderr).toBe('');
    expect(
      readdirSync(join(prefix, 'lib/node_modules/clip/node_modules'))
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(['better-sqlite3', 'node-addon-api']);
    expect(await clip('--version')).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(existsSync(join(prefix, 'share/man/man1/clip.1'))).toBe(true);
    const gate = join(home.base, 'gate');
    expect(await clip('run', '-q', '--', agent('waits-for-a-file.sh'), gate, '9')).toMatchObject({
      code: 0,
      stdout: '1\n',
      stderr: '',
    });

    expect((await install(await packed(folder, later))).stderr).toBe('');
    expect((await clip('show', '1')).stderr).toBe(
      `This is clip ${later}, the daemon is clip ${version}: clip daemon restart brings them together; live runs go on.\n`,
    );
    expect((await clip('daemon', 'restart')).code).toBe(0);
    expect(await clip('daemon', 'status', '--json')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`"version":"${later}"`),
    });
    writeFileSync(gate, '');
    expect((await clip('wait', '1')).code).toBe(9);

    expect((await clip('daemon', 'stop')).code).toBe(0);
    await npm(['uninstall', '--global', '--prefix', prefix, 'clip'], { node, cwd: folder });
    expect(readdirSync(join(prefix, 'bin'))).toEqual([]);
    expect(existsSync(join(prefix, 'lib/node_modules/clip'))).toBe(false);
    expect(readdirSync(home.base).sort()).toEqual(['gate', 'home']);
    rmSync(gate);
  });
});
