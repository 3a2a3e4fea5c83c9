/** A keeper in a scope of a real systemd user manager: control groups for a user who cannot create them elsewhere. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ownGroup } from '#process/cgroup.ts';
import type { RunView } from '#protocol/answers.ts';
import { canGroup, has, isRoot } from '../support/containment.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, root, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const otherUid = 65_534;
const hasManager = isRoot && canGroup && existsSync('/lib/systemd/systemd') && has('systemd-run') && has('unshare');

/** Returns the folders in which systemd keeps its own hierarchy beside cgroup v2, on systems that have both. */
function hierarchies(): string[] {
  const named = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup \S+ \S*name=systemd/m.exec(
    readFileSync('/proc/self/mountinfo', 'utf8'),
  )?.[1];
  return [ownGroup() ?? '', ...(named === undefined ? [] : [named])];
}

/** Runs a script as that user beside a manager, with `clip` as our command. Returns its output. */
function runWithManager(home: TestHome, script: string): string {
  const runtime = join(home.base, 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  for (const path of [home.base, runtime]) chownSync(path, otherUid, otherUid);
  // This name shows that a scope is below the manager of this user.
  const groups = hierarchies().map((folder) => join(folder, `clip-test-${process.pid}`, `user@${otherUid}.service`));
  onTestFinished(() => {
    for (const group of groups) for (const folder of [group, dirname(group)]) removeGroupFolder(folder);
  });
  const file = join(home.base, 'script');
  writeFileSync(file, `set -eu\nclip() { "${process.execPath}" "${program}" "$@"; }\n${script}\n`);
  const helper = join(root, 'test/fixtures/systemd/with-user-manager.sh');
  const args = ['--mount', helper, runtime, String(otherUid), ...groups, '--', 'sh', file];
  return execFileSync('unshare', args, { env: home.env, cwd: home.base, encoding: 'utf8' });
}

function removeGroupFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // The group was not created, or the manager is still shutting down.
  }
}

describe.skipIf(!hasManager)('A keeper with systemd', () => {
  it('has a scope, and each run a control group that ends with it', async () => {
    const home = createHome();
    const script = `
      clip run -q -- sh -c 'cat /proc/self/cgroup; env -i setsid sleep 1001 >/dev/null 2>&1 &' > /dev/null
      clip wait 1 > /dev/null
      clip show 1 --json
      clip logs 1 > logs
      clip daemon stop --cancel-runs > /dev/null
    `;
    const { run } = JSON.parse(runWithManager(home, script)) as { run: RunView };
    expect(run).toMatchObject({
      status: 'succeeded',
      containment: 'cgroup',
      // The process may be seen before it becomes `setsid`, and before that becomes `sleep`.
      leaked: [{ command: expect.stringMatching(/^(env|setsid|sleep)$/), ended: true }],
    });
    const own = readFileSync(join(home.base, 'logs'), 'utf8');
    expect(own).toMatch(
      new RegExp(
        `^0::.*/user@${otherUid}\\.service/.*/clip-keeper-[0-9a-f]{8}\\.scope/clip-[0-9a-f]{8}/${run.id}$`,
        'm',
      ),
    );
    await until('the keeper has exited', () => home.pidsOf('keeper').length === 0);
  });

  it('is started anyway when the manager does not respond', deep, async () => {
    const home = createHome();
    const script = `
      kill -STOP "$MANAGER"
      trap 'kill -CONT "$MANAGER"' EXIT
      clip run --wait -q -- true > /dev/null
      clip show 1 --json
      clip daemon stop > /dev/null
    `;
    const { run } = JSON.parse(runWithManager(home, script)) as { run: RunView };
    expect(run.status).toBe('succeeded');
  });
});
