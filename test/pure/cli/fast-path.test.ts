import { describe, expect, it } from 'vitest';
import { fastPath } from '#cli/fast-path.ts';

describe('a command line with --json', () => {
  it.each([
    ['status --json', '/v1/status'],
    ['runs --json', '/v1/runs'],
    ['runs --failed --limit 5 --json', '/v1/runs?failed=true&limit=5'],
    ['show @last --json', '/v1/runs/%40last'],
    ['show --json a/b', '/v1/runs/a%2Fb'],
    ['ledger --json', '/v1/ledger'],
    ['ledger T7 --json', '/v1/ledger?task=7'],
    ['task show t7 --json', '/v1/tasks/7'],
    ['handoff T7 --json', '/v1/tasks/7/handoff?diff=false'],
    ['runs -n 5 --json', '/v1/runs?limit=5'],
    ['agent list --json', '/v1/agents'],
  ])('%s is one request', (line, path) => {
    expect(fastPath(line.split(' '))).toBe(path);
  });

  it.each([
    'status',
    '--json status',
    'status --watch --json',
    'runs --since 2h --json',
    'runs --limit 0 --json',
    'show --json',
    'show 1 2 --json',
    'show -- --json',
    'run -- prog --json',
    'run prog --json',
    'ledger nonsense --json',
    'task show x --json',
    'toString --json',
    'agent rm x --json',
    'status --json --json',
  ])('%s is left to the whole program', (line) => {
    expect(fastPath(line.split(' '))).toBeNull();
  });
});
