import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { LaunchRecord } from '#process/run-folder.ts';
import { explainFailure } from '../../../src/keeper/launch-failure.ts';

/** Returns the message for a script with this text that the system did not find. */
function explained(script: string | null): string {
  const cwd = mkdtempSync(join(tmpdir(), 'clip-launch-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  if (script !== null) writeFileSync(join(cwd, 's'), script);
  const error = Object.assign(new Error('spawn'), { code: 'ENOENT' });
  return explainFailure(error, { argv: ['./s'], cwd, stdin: null } as unknown as LaunchRecord, '/bin').message;
}

it('A script whose interpreter is missing is told apart from a missing command', () => {
  expect(explained(null)).toBe('The command ./s was not found.');
  expect(explained('#! /no/such/python3 -u\nprint()\n')).toBe(
    'The interpreter of ./s, /no/such/python3, was not found.',
  );
  expect(explained('#!/bin/sh\r\necho x\r\n')).toContain('ends with a carriage return');
  expect(explained('no script')).toBe('The command ./s was not found.');
});
