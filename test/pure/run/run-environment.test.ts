import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildRunEnvironment, type Environment, environmentRules } from '#run/run-environment.ts';
import { root } from '../../support/home.ts';

const cwd = '/work/project';
const plain = (base: Environment, given: Environment = {}) => buildRunEnvironment({ base, agent: null, given, cwd });
const agent = (base: Environment, own: Environment = {}) => buildRunEnvironment({ base, agent: own, given: {}, cwd });

describe('The environment of a run', () => {
  it("has the run's folder as PWD and no OLDPWD", () => {
    expect(plain({ PWD: '/elsewhere', OLDPWD: '/before', HOME: '/home/me' })).toEqual({ PWD: cwd, HOME: '/home/me' });
  });

  it('keeps the variables of the person and the login', () => {
    const kept = {
      PATH: '/bin',
      HOME: '/h',
      TZ: 'Asia/Tokyo',
      SSH_AUTH_SOCK: '/s',
      VIRTUAL_ENV: '/v',
      GIT_SSH_COMMAND: 'ssh',
      TMUX: '/t',
    };
    expect(plain(kept)).toEqual({ ...kept, PWD: cwd });
  });

  it('drops the repository, the author and the editor of a git hook', () => {
    const hook = {
      GIT_DIR: '/a/.git',
      GIT_INDEX_FILE: '/a/.git/index',
      GIT_EDITOR: ':',
      GIT_AUTHOR_DATE: '@1 +0000',
      GIT_PUSH_OPTION_0: 'x',
    };
    expect(plain(hook)).toEqual({ PWD: cwd });
  });

  it('keeps an author and editor that a person set outside of a hook', () => {
    const mine = { GIT_EDITOR: 'vim', GIT_AUTHOR_NAME: 'Me' };
    expect(plain(mine)).toEqual({ ...mine, PWD: cwd });
  });

  it('drops what an outer agent sets on itself, its sandbox and trust', () => {
    const claude = { CLAUDECODE: '1', CLAUDE_CODE_MESSAGING_TOKEN: 'x', AI_AGENT: 'claude', ANTHROPIC_API_KEY: 'key' };
    expect(agent(claude)).toEqual({ ANTHROPIC_API_KEY: 'key', PWD: cwd });
    expect(agent({ CODEX_SANDBOX_NETWORK_DISABLED: '1', CODEX_THREAD_ID: 't', CODEX_HOME: '/c' })).toEqual({
      CODEX_HOME: '/c',
      PWD: cwd,
    });
    const gemini = {
      GEMINI_CLI: '1',
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.hooksPath',
    };
    expect(agent({ ...gemini, GIT_CONFIG_VALUE_0: '', GEMINI_API_KEY: 'key' })).toEqual({
      GEMINI_API_KEY: 'key',
      PWD: cwd,
    });
  });

  it("keeps a person's git settings, and AGENT unless from opencode", () => {
    const mine = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*', AGENT: 'smith' };
    expect(plain(mine)).toEqual({ ...mine, PWD: cwd });
  });

  it('drops MAKEFLAGS only when it names a job server', () => {
    expect(plain({ MAKEFLAGS: '-j8' })).toEqual({ MAKEFLAGS: '-j8', PWD: cwd });
    expect(plain({ MAKEFLAGS: ' -j8 --jobserver-auth=3,4' })).toEqual({ PWD: cwd });
  });

  it('drops the terminal multiplexer of the submitter for agents only', () => {
    expect(agent({ TMUX: '/tmp/tmux,1,0', STY: '1' })).toEqual({ PWD: cwd });
  });

  it("takes the run's variables over the submitter's over the agent's", () => {
    const made = buildRunEnvironment({
      base: { A: '1', B: '1', C: '1' },
      agent: { B: '2', C: '2' },
      given: { C: '3' },
      cwd,
    });
    expect(made).toEqual({ A: '1', B: '2', C: '3', PWD: cwd });
  });

  it('has a variable given for the run, whatever its name', () => {
    expect(plain({ GIT_DIR: '/given', PWD: '/given' }, { GIT_DIR: '/given', PWD: '/given' })).toEqual({
      GIT_DIR: '/given',
      PWD: '/given',
    });
  });
});

describe('docs/configuration.md', () => {
  it('names every variable that a run does not get', () => {
    const text = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    const missing = environmentRules.flatMap(({ names }) => names).filter((name) => !text.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });

  it('names every topic of the rules', () => {
    const text = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    expect(environmentRules.map(({ topic }) => topic).filter((topic) => !text.includes(topic))).toEqual([]);
  });
});
