/**
 * Creates docs/dashboard.svg: the real dashboard in a real terminal, on a home of its own with scripted agents. Needs
 * tmux. `npm run picture`
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { svgOf } from './svg.ts';

const size = { columns: 112, rows: 27 };
const root = join(import.meta.dirname, '../..');
const base = mkdtempSync(join(tmpdir(), 'picture-'));
const work = join(base, 'shop');
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
  HOME: base,
  CLIP_HOME: join(base, 'home'),
  XDG_CONFIG_HOME: join(base, 'config'),
  TERM: 'xterm-256color',
  LANG: 'C.UTF-8',
};

const clip = (...args: string[]): string =>
  execFileSync(process.execPath, [join(root, 'bin/clip.js'), ...args], { env, cwd: work, encoding: 'utf8' });
const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-S', join(base, 'tmux.sock'), '-f', '/dev/null', ...args], {
    env,
    cwd: work,
    encoding: 'utf8',
  });

mkdirSync(work);
mkdirSync(join(base, 'config/clip'), { recursive: true });
writeFileSync(join(base, 'config/clip/config.toml'), 'max_runs = 6\n');
execFileSync('git', ['init', '-q'], { cwd: work });
try {
  const agents = { coder: 'done', reviewer: 'live', planner: 'plan', dba: 'silent', writer: 'fails' };
  for (const [name, kind] of Object.entries(agents)) {
    const script = join(base, `${name}.sh`);
    writeFileSync(
      script,
      `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, 'agent.mjs')}' ${kind}\n`,
      { mode: 0o755 },
    );
    clip('agent', 'add', name, '--adapter', 'claude', '--command', script, '--permission', 'edit', '--share-worktree');
  }
  clip('task', 'add', 'Make the tests pass', '--accept', 'npm test passes');
  clip('task', 'add', 'Move the orders to the new schema', '--assign', 'dba');
  clip('run', '--agent', 'coder', '--task', 'T1', '--wait', 'Make the tests pass');
  clip('run', '--agent', 'planner', '--wait', 'Split the parser');
  try {
    clip('run', '--agent', 'writer', '--wait', 'Write the release notes');
  } catch {
    // This run fails on purpose.
  }
  clip('task', 'block', 'T1', '--reason', 'Shall add() take strings, too?');
  clip('run', '--agent', 'reviewer', 'Look for more of these');
  clip('run', '--name', 'dev-server', '--', 'sh', '-c', 'echo "listening on :3000"; sleep 600');
  clip('run', '--name', 'build', '--lock', 'dist', '--', 'sh', '-c', 'echo "bundling 212 modules"; sleep 600');
  clip('run', '--name', 'deploy', '--lock', 'dist', '--', 'make', 'deploy');
  tmux(
    'new-session',
    '-d',
    '-x',
    String(size.columns),
    '-y',
    String(size.rows),
    `'${process.execPath}' '${join(root, 'bin/clip.js')}' status --watch`,
  );
  for (let tries = 0; tries < 100 && !tmux('capture-pane', '-p').includes('Recently ended'); tries += 1)
    await pause(100);
  // Wait some seconds, so that CPU and memory can be measured.
  await pause(6_000);
  writeFileSync(join(root, 'docs/dashboard.svg'), svgOf(tmux('capture-pane', '-p', '-e'), size));
  tmux('kill-server');
} finally {
  clip('daemon', 'stop', '--cancel-runs');
  rmSync(base, { recursive: true, force: true });
}
