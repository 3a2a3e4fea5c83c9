import { describe, expect, it } from 'vitest';
import { scopeCommand } from '#launch/systemd-scope.ts';

const machine = (given: {
  uid?: number;
  cgroup?: string;
  there?: readonly string[];
  env?: NodeJS.ProcessEnv;
  systemd?: boolean;
  platform?: NodeJS.Platform;
}) => ({
  platform: given.platform ?? 'linux',
  uid: given.uid ?? 1000,
  user: 'ada',
  env: given.env ?? {},
  cgroup: given.cgroup ?? '0::/user.slice/user-1000.slice/session-3.scope\n',
  exists: (path: string) => (given.there ?? []).includes(path),
  findHelper: (name: string) => (given.systemd === false ? null : `/usr/bin/${name}`),
});
const manager = '/run/user/1000/systemd/private';
const linger = '/var/lib/systemd/linger/ada';

describe('scopeCommand', () => {
  it('uses the user’s manager when the user lingers, so that a logout ends nothing', () => {
    const command = scopeCommand('clip-keeper-1.scope', machine({ there: [manager, linger] }));
    expect(command?.argv.slice(0, 3)).toEqual(['/usr/bin/systemd-run', '--user', '--scope']);
    expect(command?.argv).toEqual(expect.arrayContaining(['--property=Delegate=yes', '--unit=clip-keeper-1.scope']));
    expect(command?.env).toEqual({ XDG_RUNTIME_DIR: '/run/user/1000' });
  });

  it('uses no manager that would end runs at a logout without lingering', () => {
    expect(scopeCommand('x', machine({ there: [manager] }))).toBe(null);
  });

  it('uses the user’s manager for a process that is already below it', () => {
    const cgroup = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/terminal.scope\n';
    expect(scopeCommand('x', machine({ there: [manager], cgroup }))).not.toBe(null);
    expect(scopeCommand('x', machine({ there: [manager], cgroup: cgroup.replace('user@1000', 'user@1001') }))).toBe(
      null,
    );
  });

  it('uses the manager of the system for root, and only where it has booted', () => {
    expect(
      scopeCommand('x', machine({ uid: 0, there: ['/run/systemd/system', '/run/systemd/private'] }))?.argv,
    ).not.toContain('--user');
    expect(scopeCommand('x', machine({ uid: 0 }))).toBe(null);
  });

  it('is null without systemd, without its manager, and on other systems', () => {
    expect(scopeCommand('x', machine({ there: [manager, linger], systemd: false }))).toBe(null);
    expect(scopeCommand('x', machine({ there: [linger] }))).toBe(null);
    expect(scopeCommand('x', machine({ there: [manager, linger], platform: 'darwin' }))).toBe(null);
  });
});
