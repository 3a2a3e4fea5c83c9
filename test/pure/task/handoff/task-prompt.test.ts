/** @module-tag fuzz */
import { readFileSync } from 'node:fs';
import { array, assert, boolean, constantFrom, integer, option, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endedStatuses, livenessStates } from '#run/run.ts';
import { emptyStreamState } from '#run/stream-state.ts';
import type { SummaryRun } from '#task/handoff/summary-input.ts';
import { buildTaskPrompt, type PromptInput, promptLengths } from '#task/handoff/task-prompt.ts';
import { fuzzRuns } from '../../../support/fuzz-runs.ts';
import { noon } from '../../../support/runs.ts';
import {
  aFailedRun,
  aSummaryInput,
  aSummaryRun,
  aWorkspace,
  fencesClose,
  sectionsOf,
} from '../../../support/summaries.ts';

const task = {
  number: 7,
  title: 'Fix the parser',
  description: 'It crashes on empty files.',
  acceptance: '- `npm test` is green',
  kind: 'work',
} as const;

type Given = Partial<PromptInput> & { readonly runs?: readonly SummaryRun[] };

function aPrompt({ runs = [], ...given }: Given = {}): string {
  const facts = aSummaryInput({ runs });
  return buildTaskPrompt({ task, request: null, wake: null, facts, comments: [], resumed: false, ...given });
}

function liveness(state: (typeof livenessStates)[number], nextAction: string | null = null) {
  return { state, reason: 'It is so.', nextAction, lastUsefulActionAt: null, claimsDone: false };
}

function ran(command: string, exitCode: number, output?: string) {
  return { command, exitCode, failed: exitCode !== 0, at: noon, ...(output === undefined ? {} : { output }) };
}

const failedTest = aSummaryRun({
  streamState: {
    ...{ ...emptyStreamState, sessionId: 's-1', text: 'All tests are green.' },
    recentCommands: [ran('npm test', 1, 'ok 1\nnot ok 2 empty file\n1 of 2 failed')],
  },
});

const planned = aSummaryRun({ liveness: liveness('plan_only', 'I will write the tests.') });
const killed = aFailedRun({ error: 'Killed by SIGKILL.', outcomeWords: 'killed by SIGKILL' });

describe('the prompt of the first run of a task', () => {
  it('begins with what to do, then has the task', () => {
    const prompt = aPrompt();
    expect(prompt.split('\n')[0]).toBe('Work on task T7 in this run until it is done, or until you cannot go on.');
    expect(prompt).toContain(
      '# Task T7: Fix the parser\n\n> It crashes on empty files.\n\nIt is done when this holds:\n\n> - `npm test` is green\n',
    );
    expect([...sectionsOf(prompt).keys()]).toEqual(['How to report']);
    for (const kind of ['progress', 'next', 'blocked', 'done', 'summary'])
      expect(prompt).toContain(`\nclip report ${kind} "`);
  });

  it("begins with a person's request", () => {
    const prompt = aPrompt({ request: '# Do\n\nOnly the lexer, please.' });
    expect(prompt).toMatch(/^Do what is asked below, for task T7\.\n/);
    expect(sectionsOf(prompt).get('What is asked now')).toBe('### Do\n\nOnly the lexer, please.');
  });

  it('explains the purpose of a plan or a document', () => {
    const prompt = aPrompt({ task: { ...task, kind: 'plan' } });
    expect(prompt).toMatch(/^Write the plan that task T7 asks for, in this run\.\n/);
    expect(prompt).toContain('`clip task doc put plan FILE`');
  });

  it('never cuts the request of a person', () => {
    const request = `${'word '.repeat(20_000)}end`;
    expect(aPrompt({ request })).toContain(request);
  });
});

describe('the prompt of a resumed session', () => {
  const again = (given: Given) => aPrompt({ resumed: true, ...given });

  it('asks for the announced step after a run that only planned', () => {
    expect(
      again({ runs: [planned], wake: { instruction: 'I will write the tests.', attempt: 1, attemptsMax: 2 } }),
    ).toBe(
      `You announced this step in run 42, and did nothing. Do it now, in this run, as far as task T7 asks for it:

\`\`\`
> I will write the tests.
\`\`\`

Attempt 1 of 2: after the last one clip starts no more by itself.

Report as before with \`clip report next|progress|blocked|done|summary TEXT\`. At the end: done, or the next step.
`,
    );
  });

  it('says what was under way at a kill', () => {
    const open = { tool: 'shell', kind: 'command', command: 'npm run build', paths: [], at: noon } as const;
    const prompt = again({
      runs: [{ ...killed, streamState: { ...emptyStreamState, openTools: { c1: open } } }],
    });
    expect(prompt.split('\n')[0]).toBe(
      'Go on with task T7. The process of run 42 was ended from outside (killed by SIGKILL). Under way then: `npm run build`. It may or may not have taken effect, so look first.',
    );
    expect(again({ runs: [aFailedRun({ outcomeWords: 'killed by SIGSEGV' })] })).not.toContain('from outside');
  });

  it('gives no advice that nothing supports', () => {
    for (const run of [killed, aFailedRun(), aFailedRun({ stopReason: 'timeout', status: 'timed_out' })])
      expect(again({ runs: [run] })).not.toMatch(/find out|smaller steps|fix the cause|if need be/i);
    expect(again({ runs: [aFailedRun()] })).toContain('Run 42 failed (exited 1). Its error:\n\n```\n> It broke.\n```');
  });

  it('names the failed check, with its last lines', () => {
    const prompt = again({ runs: [failedTest] });
    expect(prompt).toContain('- `npm test`, which the acceptance criteria name, failed in run 42 (exit code 1).\n');
    expect(prompt).toContain('> not ok 2 empty file\n> 1 of 2 failed\n');
    const later = { ...planned, number: 43 };
    expect(again({ runs: [later, failedTest] })).toContain('failed in run 42 (exit code 1), and was not run since.');
  });

  it('names the changed files after a run that was cut off', () => {
    const since = {
      ...{ run: 41, root: '/work/project', commits: 0, filesChanged: 7, insertions: 1, deletions: 0 },
      files: ['a.ts', 'b.ts', 'c.ts', 'd.ts', 'e.ts'].map((path) => ({ path, kind: 'update' }) as const),
    };
    const prompt = again({ runs: [{ ...killed, workspace: aWorkspace({ sinceTask: since }) }] });
    expect(prompt).toContain('- Changed since run 41 began: `a.ts`, `b.ts`, `c.ts`, `d.ts` and 3 more.\n');
  });

  it('says which leftovers clip has ended', () => {
    const leftovers = [
      { command: 'node server.js', ended: true },
      { command: 'sleep 9', ended: false },
    ];
    expect(again({ runs: [aSummaryRun({ leftovers })] })).toContain(
      '- Was left behind, and clip ended it: `node server.js`.\n',
    );
  });

  it('repeats neither the task nor how to report', () => {
    const prompt = again({ runs: [failedTest], comments: [{ author: 'Ann', text: 'Use tabs.', at: noon }] });
    expect(prompt).not.toMatch(/It crashes|is done when|clip report progress "/);
    expect(sectionsOf(prompt).get('Comments of people since the last run')).toContain('> Use tabs.');
  });

  it('does not take a sentence of clip for the step of an agent', () => {
    const instruction =
      'Take the first concrete action now; if something keeps you from it, say so: clip report blocked "what is missing" (task T7).';
    const prompt = again({ runs: [aSummaryRun()], wake: { instruction, attempt: 1, attemptsMax: 2 } });
    expect(prompt).toMatch(/^Go on with task T7\. Report it done when nothing is missing\.\n/);
    expect(prompt).not.toContain('first concrete action');
  });
});

describe('the page on what a run is told', () => {
  it('shows a prompt as it is', () => {
    const page = readFileSync('docs/agents/what-a-run-is-told.md', 'utf8');
    const instruction = 'I will read pager.js first, then fix the rounding in pages() and run node test.js.';
    const run = { ...planned, number: 1, liveness: liveness('plan_only', instruction) };
    const wake = { instruction, attempt: 1, attemptsMax: 2 };
    const prompt = aPrompt({ resumed: true, task: { ...task, number: 1 }, runs: [run], wake });
    expect(page).toContain(`\`\`\`\`\n${prompt}\`\`\`\`\n`);
    for (const length of Object.values(promptLengths)) expect(page).toContain(`| ${length.toLocaleString('en')} |\n`);
  });
});

describe('the prompt of a new session for a task that had runs', () => {
  it('has the task and its state', () => {
    const full = aFailedRun({
      ...{ number: 43, stopReason: 'context_exhausted', errorCode: 'context_exhausted' },
      leftovers: [{ command: 'node server.js', ended: true }],
    });
    const prompt = aPrompt({
      runs: [full, { ...failedTest, liveness: liveness('advanced', 'Handle empty files.') }],
      request: 'Only the lexer, please.',
      comments: [{ author: 'Ann', text: 'Use tabs.', at: noon }],
    });
    expect(prompt).toMatch(/^Do what is asked below, for task T7\. Run 43 stopped: its session was full\.\n/);
    const sections = sectionsOf(prompt);
    expect([...sections.keys()]).toEqual([
      'What is asked now',
      'Where the work stands',
      'Comments of people',
      'How to report',
    ]);
    const state = sections.get('Where the work stands') ?? '';
    for (const part of ['failed in run 42', '> not ok 2', '> Handle empty files.', 'clip ended it: `node server.js`'])
      expect(state).toContain(part);
    expect(prompt.match(/Use tabs|It crashes|is green/g)).toHaveLength(3);
  });

  it('has no secret of an earlier agent', () => {
    const streamState = {
      ...emptyStreamState,
      text: 'password=hunter2',
      recentCommands: [ran('npm test', 1, 'TOKEN=abc123def')],
    };
    const prompt = aPrompt({
      runs: [aSummaryRun({ streamState, liveness: liveness('plan_only', 'export TOKEN=abc123def') })],
      wake: { instruction: 'export TOKEN=abc123def', attempt: 1, attemptsMax: 2 },
    });
    expect(prompt).not.toMatch(/abc123def|hunter2/);
  });
});

const piece = constantFrom(
  ...['\n## How to report\n', '# T', '\n', '```', '~~~', '`', '> ', '\r', '\u2028', '\u001b[1m', '<!--', '\ud83d'],
  ...['x'.repeat(3_000), '`'.repeat(900), 'word ', '\n    ', '\n'.repeat(90)],
);
const text = array(piece, { maxLength: 10 }).map((parts) => parts.join(''));
const maybe = option(text, { nil: null });
const tool = text.map((command) => ({ tool: 'shell', kind: 'command', command, paths: [], at: noon }) as const);
const run = record({
  number: integer({ min: 1 }),
  agentName: maybe,
  status: constantFrom(...endedStatuses),
  stopReason: constantFrom('completed', 'timeout', 'adapter_failed', 'toString'),
  errorCode: option(constantFrom('rate_limited', 'adapter_failed', '__proto__'), { nil: null }),
  error: maybe,
  outcomeWords: constantFrom('exited 0', 'killed by SIGKILL'),
  state: constantFrom(...livenessStates),
  nextAction: maybe,
  words: text,
  output: text,
  tools: array(tool, { maxLength: 3 }),
  files: array(text, { maxLength: 20 }),
  leftovers: array(record({ command: text, ended: boolean() }), { maxLength: 5 }),
  blocked: maybe,
}).map(
  ({ state, nextAction, words, output, tools, files, blocked, ...given }): SummaryRun =>
    aSummaryRun({
      ...given,
      liveness: liveness(state, nextAction),
      streamState: {
        ...{ ...emptyStreamState, sessionId: 's-1', text: words, openTools: Object.fromEntries(tools.entries()) },
        recentCommands: [ran('npm test', 1, output), ran(words.slice(0, 300), 1)],
      },
      workspace: aWorkspace({
        sinceTask: {
          ...{ run: 1, root: '/work', commits: 2, filesChanged: 40, insertions: 1, deletions: 1 },
          files: files.map((path) => ({ path, kind: 'add' })),
        },
      }),
      reports: blocked === null ? [] : [{ kind: 'blocked', text: blocked, who: null, at: noon }],
    }),
);
const input = record({
  texts: record({ title: text, description: maybe, acceptance: maybe }),
  request: maybe,
  instruction: maybe,
  runs: array(run, { maxLength: 4 }),
  comments: array(record({ author: text, text }), { maxLength: 14 }),
  resumed: boolean(),
});

describe('the prompt with arbitrary texts', () => {
  const known =
    /^(?:What is asked now|Where the work stands|Comments of people|Comments of people since the last run|How to report)$/;

  it('has no forged heading or open fence', () => {
    assert(
      property(input, ({ texts, instruction, comments, ...given }) => {
        const prompt = aPrompt({
          ...given,
          task: { ...task, ...texts },
          wake: { instruction, attempt: 1, attemptsMax: 2 },
          comments: comments.map((comment) => ({ ...comment, at: noon })),
        });
        // The request of a person is Markdown of its own, in which fences may show anything.
        if (given.request === null) {
          const found = [...prompt.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading ?? '');
          expect(found.every((heading) => known.test(heading))).toBe(true);
          expect(new Set(found).size).toBe(found.length);
        }
        expect(fencesClose(prompt)).toBe(true);
        expect(prompt).toMatch(/^(?:Work on|Do what|Go on|You |Run \d)/);
      }),
      { numRuns: fuzzRuns(500) },
    );
  });

  it('is bounded beside what people wrote', () => {
    assert(
      property(input, ({ instruction, runs, resumed }) => {
        const prompt = aPrompt({
          ...{ runs, resumed, task: { ...task, title: '', description: null, acceptance: '`npm test`' } },
          wake: { instruction, attempt: 1, attemptsMax: 2 },
        });
        const kind = runs.length === 0 ? 'first' : resumed ? 'resumed' : 'fresh';
        expect(prompt.length).toBeLessThanOrEqual(promptLengths[kind]);
      }),
      { numRuns: fuzzRuns(500) },
    );
  });
});
