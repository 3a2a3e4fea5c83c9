import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, resultOf } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Creates a home whose PATH has a `systemctl` that records its arguments and exits with `code`. */
function homeWith(code: number, says = '') {
  const place = createHome().base;
  const bin = join(place, 'bin');
  const said = join(bin, 'said');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'systemctl'),
    `#!/bin/sh\necho "$@" >> ${said}\necho '${says}' >&2\n[ "$2" = is-enabled ] && echo enabled\nexit ${code}\n`,
  );
  chmodSync(join(bin, 'systemctl'), 0o755);
  const home = createHome({ env: { PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin` } });
  return {
    home,
    unit: join(home.env['XDG_CONFIG_HOME'] ?? '', 'systemd/user/clip.service'),
    said: () => (existsSync(said) ? readFileSync(said, 'utf8').trim().split('\n') : []),
  };
}

const linux = process.platform === 'linux';
const hasVerify = linux && spawnSync('systemd-analyze', ['--version']).status === 0;

describe('clip boot', () => {
  it.runIf(linux)('enable, status and disable manage the unit, and start no daemon', deep, async () => {
    const { home, unit, said } = homeWith(0);
    expect((await home.clip(['boot', 'status'])).code).toBe(1);
    const { code, stdout } = await home.clip(['boot', 'enable']);
    expect([code, stdout]).toEqual([0, expect.stringContaining(unit)]);
    expect(said()).toEqual(['--user daemon-reload', '--user enable clip.service']);
    expect(readFileSync(unit, 'utf8')).toContain(`Environment="CLIP_HOME=${home.folder}"`);
    expect(await home.clip(['boot', 'status', '--json'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`"node":"${process.execPath}"`),
    });
    if (hasVerify)
      expect(spawnSync('systemd-analyze', ['verify', '--user', unit], { encoding: 'utf8' }).stderr).not.toMatch(
        /clip\.service/,
      );
    expect((await home.clip(['boot', 'disable'])).code).toBe(0);
    expect(existsSync(unit)).toBe(false);
    expect(said().slice(-2)).toEqual(['--user disable clip.service', '--user daemon-reload']);
    expect((await home.clip(['boot', 'disable'])).stdout).toBe('It was not enabled.\n');
    await home.clip(['boot', 'enable', '--now']);
    expect(said().at(-1)).toBe('--user enable --now clip.service');
    expect(home.pidsOf('daemon')).toEqual([]);
  });

  it.runIf(linux)('enable without a service manager writes the unit anyway, and names the next step', async () => {
    const { home, unit } = homeWith(1, 'Failed to connect to bus');
    const { code, stderr } = await home.clip(['boot', 'enable']);
    expect(code).toBe(1);
    expect(stderr).toContain(`${unit} is written, but the service manager did not take it: Failed to connect to bus.`);
    expect(stderr).toContain('systemctl --user daemon-reload && systemctl --user enable clip.service');
    expect(existsSync(unit)).toBe(true);
  });

  it.runIf(linux)('reports a removed node at the next start, in status and the doctor', deep, async () => {
    const { home, unit } = homeWith(0);
    await home.clip(['boot', 'enable']);
    writeFileSync(unit, readFileSync(unit, 'utf8').replace(`"${process.execPath}"`, '"/gone/bin/node"'));
    expect((await home.clip(['daemon', 'start'])).code).toBe(0);
    const { stderr } = await home.clip(['run', '--wait', '--', 'true']);
    expect(readFileSync(join(home.folder, 'daemon.log'), 'utf8')).toContain('"missing":"/gone/bin/node"');
    await home.clip(['daemon', 'stop']);
    expect((await home.clip(['runs'])).stderr).toContain(
      'its unit names /gone/bin/node, which is not there. Fix it: clip boot enable',
    );
    expect(stderr).not.toContain('/gone');
    expect(await home.clip(['boot', 'status'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('/gone/bin/node'),
    });
    const { checks } = await home.json<{ checks: { name: string; state: string; todo: string }[] }>([
      'doctor',
      '--json',
    ]);
    expect(checks.find(({ name }) => name === 'boot')).toMatchObject({
      state: 'broken',
      todo: 'Write it again: clip boot enable',
    });
  });

  it.runIf(linux)('has a unit whose daemon serves, stops with 0 and stays stopped', deep, async () => {
    const { home, unit } = homeWith(0);
    await home.clip(['boot', 'enable']);
    const line = /^ExecStart=:(.*)$/m.exec(readFileSync(unit, 'utf8'))?.[1] ?? '';
    const [node = '', ...args] = [...line.matchAll(/"([^"]*)"/g)].map(([, word = '']) => word);
    const daemon = spawn(node, args, { env: { ...home.env, CLIP_ROLE: 'daemon' }, stdio: 'ignore' });
    onTestFinished(() => void daemon.kill('SIGKILL'));
    await until('the daemon listens', home.listens);
    await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(1, 'running');
    expect(home.daemonPid()).toBe(daemon.pid);
    await home.kill(daemon.pid ?? 0);
    const again = spawn(node, args, { env: { ...home.env, CLIP_ROLE: 'daemon' }, stdio: 'ignore' });
    onTestFinished(() => void again.kill('SIGKILL'));
    await until('the next daemon listens', home.listens);
    expect(home.daemonPid()).toBe(again.pid);
    expect((await home.clip(['cancel', '1'])).code).toBe(0);
    const ended = resultOf(again);
    await home.clip(['daemon', 'stop']);
    expect((await ended).code).toBe(0);
  });
});
