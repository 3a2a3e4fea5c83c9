import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, processesOf, program, type Result, resultOf, type TestHome } from '../support/home.ts';

const otherUid = 65_534;
const root = process.getuid?.() === 0;

/** Runs the CLI as another user, who may enter the folder above the home. */
function asOtherUser(home: TestHome, args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  chmodSync(home.base, 0o755);
  const who = ['--reuid', String(otherUid), '--regid', String(otherUid), '--clear-groups'];
  return resultOf(
    spawn('setpriv', [...who, process.execPath, program, ...args], {
      env: { ...home.env, ...env },
      cwd: home.base,
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

const pids = (home: TestHome) => processesOf(home.folder).map(({ pid }) => pid);

describe('a home that cannot be used', () => {
  it('is refused with code 5 and a hint: a link, a file, a long path', async () => {
    const home = createHome();
    mkdirSync(join(home.base, 'real'));
    symlinkSync(join(home.base, 'real'), join(home.base, 'link'));
    symlinkSync(join(home.base, 'nowhere'), join(home.base, 'dangling'));
    writeFileSync(join(home.base, 'file'), '');
    const cases: [name: string, says: RegExp][] = [
      ['link', /is a symbolic link\.\n {6}Set CLIP_HOME to the folder it points to\./],
      ['dangling', /is a symbolic link/],
      ['file', /is not a folder\.\n {6}Set CLIP_HOME/],
      ['x'.repeat(90), /is too long for a socket path \(\d+ of 107 bytes\)\.\n {6}Set CLIP_HOME to a shorter path\./],
      ['file/below', /\.\n {6}Set CLIP_HOME/],
    ];
    for (const [name, says] of cases) {
      for (const args of [
        ['run', '--', 'true'],
        ['daemon', 'start'],
        ['daemon', 'run'],
      ]) {
        const result = await home.clip(args, { env: { CLIP_HOME: join(home.base, name) } });
        expect([name, args, result.code, result.stdout, result.stderr]).toEqual([
          name,
          args,
          5,
          '',
          expect.stringMatching(says),
        ]);
        expect(processesOf(join(home.base, name))).toEqual([]);
      }
    }
    expect(readdirSync(join(home.base, 'real'))).toEqual([]);
  });

  it.skipIf(!root)('is refused when it belongs to another user', deep, async () => {
    const home = createHome();
    mkdirSync(home.folder);
    chownSync(home.folder, otherUid, otherUid);
    const result = await home.clip(['run', '--', 'true']);
    expect([result.code, result.stdout]).toEqual([5, '']);
    expect(result.stderr).toMatch(/belongs to another user \(uid 65534\)\.\n {6}.*never share a home/);
    expect(readdirSync(home.folder)).toEqual([]);
    chownSync(home.folder, 0, 0);
  });

  it.skipIf(!root)('is refused when it cannot be made', deep, async () => {
    const home = createHome();
    const result = await asOtherUser(home, ['run', '--', 'true']);
    expect([result.code, result.stdout]).toEqual([5, '']);
    expect(result.stderr).toMatch(/is not writable: EACCES.*\n {6}Set CLIP_HOME to a folder that you may write to\./);
  });
});

describe.skipIf(!root)('a socket that a sandbox forbids', () => {
  it('is reported with code 4 and without a second daemon', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(1, 'running');
    const before = pids(home);
    // At first other users have no access to the home, as usual. Then only the socket is protected.
    for (const mode of [0o700, 0o755]) {
      chmodSync(home.folder, mode);
      for (const args of [
        ['runs'],
        ['run', '--', 'true'],
        ['status'],
        ['daemon', 'status'],
        ['daemon', 'start'],
        ['events', '-f'],
      ]) {
        const result = await asOtherUser(home, args);
        expect([args, result.code, result.stdout]).toEqual([args, 4, '']);
        expect(result.stderr).toMatch(
          /^clip: The socket .*clip\.sock may not be used from here; the daemon may well be running\.\n {6}.*sandbox.*Unix sockets/,
        );
      }
      const asJson = await asOtherUser(home, ['runs', '--json']);
      expect([asJson.code, JSON.parse(asJson.stderr).error.code]).toEqual([4, 'no_permission']);
      expect((await asOtherUser(home, ['wait', '1'])).code).toBe(125);
    }
    chmodSync(home.folder, 0o700);
    expect(pids(home)).toEqual(before);
    expect((await home.show(1)).status).toBe('running');
  });
});

describe('a client and a daemon of different versions', () => {
  it('work together, with a notice of one sentence', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const newer = { env: { CLIP_VERSION_OVERRIDE: '9.9.9' } };
    const sentence =
      /^This is clip 9\.9\.9, the daemon is clip \d+\.\d+\.\d+: clip daemon restart brings them together; live runs go on\.\n$/;
    const submitted = await home.clip(['run', '--', 'sleep', '1000'], newer);
    expect([submitted.code, submitted.stdout, submitted.stderr]).toEqual([0, '1\n', expect.stringMatching(sentence)]);
    for (const args of [
      ['runs', '--json'],
      ['status', '--json'],
      ['show', '1', '--json'],
    ]) {
      const result = await home.clip(args, newer);
      expect([args, result.code, result.stderr]).toEqual([args, 0, expect.stringMatching(sentence)]);
      expect(JSON.parse(result.stdout).schema).toBe(1);
    }
    const { processPid } = await home.untilStatus(1, 'running');
    expect((await home.clip(['daemon', 'restart'], newer)).code).toBe(0);
    expect(await home.json(['daemon', 'status', '--json'])).toMatchObject({ version: '9.9.9' });
    const older = await home.clip(['show', '1', '--json']);
    expect(older.stderr).toMatch(/^This is clip .*, the daemon is clip 9\.9\.9: /);
    expect(JSON.parse(older.stdout).run).toMatchObject({ status: 'running', processPid });
    expect((await home.clip(['cancel', '1'])).code).toBe(0);
  });
});
