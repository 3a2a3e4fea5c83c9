/** Inherited state of the client that starts the daemon. The daemon, the keeper and later runs must not get it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addSpeaker } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, type TestHome } from '../support/home.ts';
import { tcpListeners } from '../support/listeners.ts';
import { until } from '../support/until.ts';

const both = (home: TestHome) => [...home.pidsOf('daemon'), ...home.pidsOf('keeper')];

/** Runs a bash script in which "clip" is our command, as in a person's shell. */
function shell(home: TestHome, script: string): string {
  const prelude = `clip() { "${process.execPath}" "${program}" "$@"; }`;
  return execFileSync('bash', ['-c', `${prelude}\n${script}`], { env: home.env, cwd: home.base, encoding: 'utf8' });
}

describe('NODE_OPTIONS of a client', () => {
  it('opens no debugger in daemon or keeper, not even with SIGUSR1', async () => {
    const home = createHome();
    const number = Number(
      (await home.clip(['run', '-q', '--', 'sleep', '1000'], { env: { NODE_OPTIONS: '--inspect=0' } })).stdout,
    );
    await home.untilStatus(number, 'running');
    const pids = both(home);
    expect(pids).toHaveLength(2);
    for (const pid of pids) process.kill(pid, 'SIGUSR1');
    // A run that starts and ends in the meantime shows that both have handled the signal and are alive.
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
    expect(both(home)).toEqual(pids);
    expect(pids.flatMap(tcpListeners)).toEqual([]);
  });

  it("with a relative --require does not prevent a daemon's start", deep, async () => {
    const home = createHome();
    writeFileSync(join(home.base, 'tracer.cjs'), '');
    const started = await home.clip(['run', '--wait', '--', 'true'], {
      env: { NODE_OPTIONS: '--require ./tracer.cjs' },
    });
    expect(started).toMatchObject({ code: 0, stderr: expect.stringContaining('succeeded') });
  });
});

describe('a file descriptor of a client', () => {
  it('is closed in daemon and keeper: a lock ends with its shell', async () => {
    const home = createHome();
    const lock = join(home.base, 'lock');
    shell(home, `exec 200>${lock}; flock 200; clip run -q -- sleep 1000`);
    await home.untilStatus(1, 'running');
    expect(both(home)).toHaveLength(2);
    expect(spawnSync('flock', ['-n', lock, 'true']).status).toBe(0);
    const holders = both(home).map((pid) =>
      spawnSync('readlink', ['-f', `/proc/${pid}/fd/200`], { encoding: 'utf8' }).stdout.trim(),
    );
    expect(holders).not.toContain(lock);
  });

  it('stays open in the client, which may hold the only lock', deep, async () => {
    const home = createHome();
    const lock = join(home.base, 'lock');
    const gate = join(home.base, 'gate');
    const script = `exec 200>${lock}; flock 200; exec "${process.execPath}" "${program}" run --wait -q -- sh -c 'while ! test -e ${gate}; do sleep 0.05; done'`;
    const client = once(spawn('bash', ['-c', script], { env: home.env, cwd: home.base, stdio: 'ignore' }), 'exit');
    await until(
      'the run is live',
      async () => home.pidsOf('keeper').length === 1 && (await home.show(1)).status === 'running',
    );
    expect(spawnSync('flock', ['-n', lock, 'true']).status).toBe(1);
    writeFileSync(gate, '');
    expect((await client)[0]).toBe(0);
  });
});

describe('CLIP_ROLE of the daemon', () => {
  it('is not inherited by the git that the daemon runs', async () => {
    const home = createHome();
    const seen = join(home.base, 'seen');
    mkdirSync(join(home.base, 'bin'));
    const git = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
    writeFileSync(
      join(home.base, 'bin', 'git'),
      `#!/bin/sh\nenv > ${seen}.$$ && mv ${seen}.$$ ${seen}\nexec ${git} "$@"\n`,
      { mode: 0o755 },
    );
    await home.clip(['daemon', 'start'], { env: { PATH: `${join(home.base, 'bin')}:${home.env['PATH']}` } });
    await addSpeaker(home, [[{ exit: 0 }]]);
    await home.clip(['run', '--agent', 'coder', '--wait', 'Do it.']);
    const environment = await until('git was run', () => readFileSync(seen, 'utf8'));
    expect(environment).toContain('GIT_OPTIONAL_LOCKS=0');
    expect(environment).not.toContain('CLIP_ROLE');
  });
});
