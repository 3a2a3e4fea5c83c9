import { describe, expect, it } from 'vitest';
import { candidatesIn, formatCandidates, offerFor } from '#cli/completion/complete.ts';
import { completionTable } from '#cli/completion/completion-table.ts';
import { commandTree } from '#cli/program.ts';

const program = await commandTree();
const tree = completionTable(program);
const offered = (...words: string[]): string[] => {
  const offer = offerFor(tree, words);
  return offer.kind === 'words'
    ? formatCandidates(offer.words, offer.prefix, words.at(-1) ?? '')
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']))
    : [offer.kind === 'ask' ? offer.what : offer.kind];
};

describe('the completions', () => {
  it.each<[words: string[], offers: string[]]>([
    [['conf'], ['config']],
    [['task', 'bl'], ['block']],
    [['task', 'show', ''], ['task']],
    [['task', 'assign', 'T1', ''], ['who']],
    [['cancel', '1', ''], ['live']],
    [['logs', ''], ['run']],
    [['logs', '-n', '5', ''], ['run']],
    [
      ['logs', '--stream', 'std'],
      ['stdout', 'stderr'],
    ],
    [['logs', '--stream=b'], ['--stream=both']],
    [['run', '--agent', ''], ['agent']],
    [['run', '--after', ''], ['run']],
    [['run', '--cwd', ''], ['files']],
    [['run', '--', 'ls', ''], ['files']],
    [['runs', '--status', 'time'], ['timed_out']],
    [['agent', 'pause', ''], ['agent']],
    [['agent', 'add', ''], []],
    [['group', 'pause', ''], ['group']],
    [
      ['config', 'get', 'budget.'],
      ['budget.run', 'budget.day'],
    ],
    [
      ['completions', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['--color', 'al'], ['always']],
    [['prune', '--o'], ['--older-than']],
    [['constructor', '__proto__', ''], []],
  ])('for %j are %j', (words, offers) => {
    expect(offered(...words)).toEqual(offers);
  });

  it('include every verb, and each option of each verb', () => {
    expect(offered('')).toEqual(program.commands.map((each) => each.name()));
    expect(offered('run', '-')).toEqual(expect.arrayContaining(['--timeout', '-q', '--quiet', '--help', '--color']));
  });

  it('list runs by number and name with their state, cleaned for a terminal', () => {
    const runs = [{ number: 7, name: 'a\u001b[2Jb\tc', status: 'running', command: ['make'] }];
    expect(formatCandidates(candidatesIn('live', { runs }), '', '')).toBe(
      '7\trunning: a [2Jb c\na [2Jb c\trunning: run 7\n@last\tthe newest run\n',
    );
  });
});
