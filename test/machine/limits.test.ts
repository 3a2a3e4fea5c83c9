import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { agent, createHome, marked } from '../support/home.ts';

const node = process.execPath;

describe('the time limit', () => {
  it('stops a run, which is then timed_out with exit code 124', deep, async () => {
    const home = createHome();
    const { code } = await home.clip(['run', '--wait', '--timeout', '1s', '--grace', '1s', '--', 'sleep', '1000']);
    expect(code).toBe(124);
    const run = await home.show(1);
    expect(run).toMatchObject({
      status: 'timed_out',
      stopReason: 'timeout',
      errorCode: 'timeout',
      timeoutFired: true,
      signal: 'SIGTERM',
    });
    expect(run).toMatchObject({ effectiveTimeoutSec: 1, timeoutConfigured: true, timeoutSource: 'config' });
    expect(marked(run.id)).toEqual([]);
  });

  it('holds for a program that exits with 0, or that has to be killed', deep, async () => {
    const home = createHome();
    const wait = ['run', '--wait', '--timeout', '1s', '--grace', '1s', '--'];
    const results = await Promise.all([
      home.clip([...wait, agent('ends-well-on-term.sh')]),
      home.clip([...wait, node, agent('ignores-signals.mjs')]),
    ]);
    expect(results.map(({ code }) => code)).toEqual([124, 124]);
    const runs = [await home.show(1), await home.show(2)];
    expect(runs.map(({ status, stopReason, timeoutFired }) => [status, stopReason, timeoutFired])).toEqual([
      ['timed_out', 'timeout', true],
      ['timed_out', 'timeout', true],
    ]);
    expect(runs.map(({ exitCode, signal }) => exitCode ?? signal).sort()).toEqual([0, 'SIGKILL']);
  });

  it('is absent by default, and --timeout 0 says so explicitly', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    await home.clip(['run', '--wait', '--timeout', '0', '--', 'true']);
    const runs = [await home.show(1), await home.show(2)];
    expect(
      runs.map(({ effectiveTimeoutSec, timeoutConfigured, timeoutSource }) => [
        effectiveTimeoutSec,
        timeoutConfigured,
        timeoutSource,
      ]),
    ).toEqual([
      [0, false, 'default'],
      [0, false, 'config'],
    ]);
  });
});

describe('the silence limit', () => {
  it('stops a run without output and work: timed_out, but no time limit fired', deep, async () => {
    const home = createHome();
    const { code } = await home.clip([
      'run',
      '--wait',
      '--silence',
      '1s',
      '--',
      'sh',
      '-c',
      'echo hello; exec sleep 1000',
    ]);
    expect(code).toBe(124);
    expect(await home.show(1)).toMatchObject({
      status: 'timed_out',
      stopReason: 'silence',
      errorCode: 'timeout',
      timeoutFired: false,
      timeoutConfigured: false,
    });
  });

  it('does not stop a run with output, nor one whose child works', deep, async () => {
    const home = createHome();
    const results = await Promise.all([
      home.clip(['run', '--wait', '--silence', '2s', '--', node, agent('talks.mjs'), '30', '100', '0']),
      home.clip(['run', '--wait', '--silence', '2s', '--', 'sh', '-c', 'sleep 4; exit 4']),
    ]);
    expect(results.map(({ code }) => code)).toEqual([0, 4]);
  });

  it('counts from the last work of a child, not from the last output', deep, async () => {
    const home = createHome();
    const script = "require('node:child_process').spawnSync('sleep', ['3']); setTimeout(() => process.exit(4), 1500)";
    const { code } = await home.clip(['run', '--wait', '--silence', '3s', '--', node, '-e', script]);
    expect(code).toBe(4);
  });
});

describe('the output limit', () => {
  it('stops a run with too much output, and keeps that output', deep, async () => {
    const home = createHome();
    const bytes = 2_000_000;
    const script = `${node} ${agent('floods.mjs')} ${bytes}; exec sleep 1000`;
    const { code } = await home.clip(['run', '--wait', '--max-output', '1M', '--', 'sh', '-c', script]);
    expect(code).toBe(128 + 15);
    expect(await home.show(1)).toMatchObject({
      status: 'failed',
      stopReason: 'output_limit',
      errorCode: 'output_limit',
      timeoutFired: false,
      stdoutBytes: bytes,
    });
  });

  it('does not stop a run that stays below it', async () => {
    const home = createHome();
    const { code } = await home.clip([
      'run',
      '--wait',
      '--max-output',
      '1M',
      '--',
      node,
      agent('floods.mjs'),
      '1000000',
    ]);
    expect(code).toBe(0);
  });
});
