import { describe, expect, it } from 'vitest';
import { cleanEnvironment, heldVariables, withoutNodeOptions } from '#launch/daemon-environment.ts';

const shell = {
  PATH: '/bin',
  NODE_OPTIONS: '--inspect=0',
  NODE_PATH: '/elsewhere',
  NODE_EXTRA_CA_CERTS: '/proxy.pem',
  UV_THREADPOOL_SIZE: '128',
  MALLOC_ARENA_MAX: '3',
  LD_PRELOAD: '/lib/clock.so',
  CLIP_RUN_ID: 'router',
  CLIP_RUN_TOKEN: 'secret',
  CLIP_ROLE: 'keeper',
};

describe('cleanEnvironment', () => {
  it('removes every variable that Node would read in a daemon or its children', () => {
    const daemon = cleanEnvironment(shell, 'daemon');
    expect(Object.keys(daemon).filter((name) => /^(NODE|UV)_/.test(name))).toEqual([]);
    expect(daemon['MALLOC_ARENA_MAX']).toBe('1');
    expect(daemon).toMatchObject({ PATH: '/bin', LD_PRELOAD: '/lib/clock.so', CLIP_ROLE: 'daemon' });
  });

  it('passes on no variable of a single run', () => {
    expect(Object.keys(cleanEnvironment(shell, 'keeper'))).not.toEqual(expect.arrayContaining(['CLIP_RUN_ID']));
    expect(cleanEnvironment(shell, 'keeper')).not.toHaveProperty('CLIP_RUN_TOKEN');
  });

  it('loses no variable of the person: a keeper hands them back to runs', () => {
    const twice = cleanEnvironment(cleanEnvironment(shell, 'keeper'), 'daemon');
    const { CLIP_RUN_ID: _, CLIP_RUN_TOKEN: __, ...rest } = shell;
    expect(heldVariables(twice)).toEqual({ ...rest, CLIP_ROLE: 'daemon' });
  });
});

describe('withoutNodeOptions', () => {
  it('leaves clip the certificates of a proxy, and no option of Node', () => {
    expect(withoutNodeOptions(shell)).toMatchObject({ PATH: '/bin', NODE_EXTRA_CA_CERTS: '/proxy.pem' });
    expect(Object.keys(withoutNodeOptions(shell))).not.toEqual(expect.arrayContaining(['NODE_OPTIONS']));
  });
});
