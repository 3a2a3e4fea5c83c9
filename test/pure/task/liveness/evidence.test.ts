import { describe, expect, it } from 'vitest';
import { limits } from '#run/limits.ts';
import { formatCounters, isConcrete, lastUsefulAt } from '#task/liveness/evidence.ts';
import { classifyLiveness } from '#task/liveness/liveness.ts';
import { anEvidence, anInput, commands, files, type Given, reports } from '../../../support/liveness.ts';
import { noon } from '../../../support/runs.ts';

const words = (given: Given) => formatCounters(anEvidence(given));

describe('the formatted counters', () => {
  it('name what counts, with numbers', () => {
    expect(words({ streamState: commands('npm test') })).toBe('1 command');
    expect(words({ streamState: commands('npm test', ['npm run lint', 1], 'ls', ['cat x', 1]) })).toBe(
      '2 of 4 commands (1 failed)',
    );
    expect(words({ streamState: { ...files('a', 'b'), filesMore: 3 } })).toBe('5 files changed');
    expect(words({ streamState: files('a', 'b'), workspace: { commits: 1, files: 1 } })).toBe(
      '1 file changed, 1 commit',
    );
    expect(words({ streamState: null, workspace: { commits: 2, files: 3 } })).toBe('3 files changed, 2 commits');
    expect(words({ records: { comments: 1, documents: 2, planRevised: true } })).toBe(
      '1 comment, 2 documents, the plan was revised',
    );
    expect(words({ reports: reports(['next', 'x'], ['progress', 'y'], ['done', 'z']) })).toBe('2 reports');
  });

  it('distinguish unfinished commands from others, each counted once', () => {
    const openTools = { x: { tool: 'shell', kind: 'command' as const, command: 'npm run dev', paths: [], at: noon } };
    expect(words({ streamState: { ...commands('make', 'npm test', 'npm run build'), openTools } })).toBe(
      '4 commands (1 not ended)',
    );
    expect(words({ streamState: { ...commands('ls'), openTools } })).toBe('1 of 2 commands (1 not ended)');
  });

  it('say "at least" where not all commands are listed', () => {
    expect(words({ streamState: { ...commands('make', 'ls'), commands: 60 } })).toBe('at least 1 of 60 commands');
  });

  it('are empty where nothing counts', () => {
    expect(words({ streamState: { ...commands('ls', 'git status'), toolCalls: 9 }, workspace: {} })).toBe('');
  });
});

describe('evidence', () => {
  it('keeps every command that is listed, with its exit code and whether it only reads', () => {
    const {
      commands: listed,
      commandsRun,
      commandsFailed,
    } = anEvidence({ streamState: commands('ls', ['npm test', 1]) });
    expect(listed.map(({ command, exitCode, readOnly }) => [command, exitCode, readOnly])).toEqual([
      ['ls', 0, true],
      ['npm test', 1, false],
    ]);
    expect([commandsRun, commandsFailed]).toEqual([2, 1]);
  });

  it('keeps a command of the maximum length', () => {
    const cat = (length: number) => `cat ${'a'.repeat(length - 4)}`;
    expect(isConcrete(anEvidence({ streamState: commands(cat(limits.accountCommandLength - 2)) }))).toBe(false);
    expect(isConcrete(anEvidence({ streamState: commands(cat(limits.accountCommandLength)) }))).toBe(true);
  });

  it('does not count unlisted commands by themselves', () => {
    expect(isConcrete(anEvidence({ streamState: { ...commands('ls'), commands: 41 } }))).toBe(false);
  });

  it('counts files that differ, or reported ones without a comparison', () => {
    const count = (given: Given) => anEvidence(given).filesChanged;
    expect(count({ streamState: files('a', 'b') })).toBe(2);
    expect(count({ streamState: files('a', 'b'), workspace: null })).toBe(2);
    expect(count({ streamState: files('a', 'b'), workspace: { files: 0 } })).toBe(0);
  });

  it('has the time of a file that counts, and not that of an unchanged one', () => {
    const wrote = { ...files('a') };
    expect(lastUsefulAt(anEvidence({ streamState: wrote, workspace: { files: 1, writtenAt: noon + 5 } }))).toBe(
      noon + 5,
    );
    expect(lastUsefulAt(anEvidence({ streamState: { ...wrote, ...commands('make') }, workspace: {} }))).toBe(noon);
    expect(lastUsefulAt(anEvidence({ streamState: wrote, workspace: {} }))).toBeNull();
  });

  it('has no time of a useful action where nothing counts', () => {
    expect(lastUsefulAt(anEvidence({ streamState: { ...commands('ls'), lastActionAt: noon } }))).toBeNull();
    expect(lastUsefulAt(anEvidence({ records: { comments: 0, lastAt: noon } }))).toBeNull();
  });

  it('has the newest time of what counts, and not that of a command that only reads', () => {
    expect(lastUsefulAt(anEvidence({ streamState: commands('npm test', 'npm run lint', 'ls') }))).toBe(noon + 1);
    expect(
      lastUsefulAt(anEvidence({ streamState: commands('npm test'), records: { documents: 1, lastAt: noon + 7 } })),
    ).toBe(noon + 7);
  });
});

describe('the reason of a verdict', () => {
  const reason = (given: Given) => classifyLiveness(anInput(given)).reason;

  it.each<[string, Given]>([
    [
      'The run ended as failed (auth_required), stop reason adapter_failed.',
      { outcome: { status: 'failed', errorCode: 'auth_required', stopReason: 'adapter_failed' } },
    ],
    [
      'The run ended as failed (process_lost).',
      { outcome: { status: 'failed', errorCode: 'process_lost', stopReason: 'process_lost' } },
    ],
    [
      'The run ended as cancelled, stop reason paused.',
      { outcome: { status: 'cancelled', errorCode: null, stopReason: 'paused' } },
    ],
    ['Task T7 is done.', { task: { status: 'done' } }],
    ['Task T7 is blocked: Needs the key.', { task: { status: 'blocked', blockedReason: 'Needs the key.' } }],
    ['Task T7 is blocked.', { task: { status: 'blocked' } }],
    ['The agent reported that it is blocked: no key', { reports: reports(['blocked', 'no key']) }],
    [
      'Its last words declare a blocker: I am blocked on the API key.',
      { text: 'Hello.\n\n**I am blocked on the API key.**' },
    ],
    ['It succeeded, but said nothing and left no evidence of work.', {}],
    [
      'Evidence of work: 1 command, 1 comment.',
      { streamState: commands('make'), records: { comments: 1, lastAt: noon } },
    ],
    ['Task T7 asks for words, and it gave some.', { task: { kind: 'plan' }, text: 'A plan.' }],
    ['It only announced what it will do, and left no evidence of work.', { text: 'I will inspect the repo.' }],
    ['It said something, but left no evidence of work.', { text: 'Yes.' }],
  ])('is "%s"', (expected, given) => expect(reason(given)).toBe(expected));

  it('is cut when it is too long, in one line and within no character', () => {
    const long = reason({ reports: reports(['blocked', `a\nb${'😀'.repeat(600)}`]) });
    expect(long.length).toBeLessThanOrEqual(500);
    expect(long).toMatch(/^The agent reported that it is blocked: a b😀+…$/u);
  });
});
