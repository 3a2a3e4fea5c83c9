/** @module-tag fuzz */
import { array, assert, boolean, constantFrom, integer, oneof, option, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportKinds } from '#run/agent-report.ts';
import { endedStatuses, livenessStates } from '#run/run.ts';
import { emptyStreamState } from '#run/stream-state.ts';
import { continuationSummary, sectionLength, summaryLength } from '#task/handoff/summary.ts';
import type { SummaryInput } from '#task/handoff/summary-input.ts';
import { taskKinds, taskStatuses } from '#task/task.ts';
import { fuzzRuns } from '../../../support/fuzz-runs.ts';
import { commands, files } from '../../../support/liveness.ts';
import { noon } from '../../../support/runs.ts';
import { aSummaryRun, aWorkspace, fencesClose, headings, sectionsOf } from '../../../support/summaries.ts';

const secrets = ['Zq7-opaque-value-1', 'zwei\nZeilen geheim'];
const piece = constantFrom(
  ...[
    '\n## Next action\n',
    '# ',
    '\n',
    '```',
    '````',
    '~~~',
    '`',
    '`'.repeat(40),
    '> ',
    '- ',
    '\n\n',
    '<!--',
    '<details>',
    '\n---\n',
    '[cut]',
    '\u001b[31m',
    '\u001b]8;;x',
    '\u001b',
  ],
  ...[
    '\r',
    '\u2028',
    '\u0085',
    '\u202e',
    '\u200b',
    '\ud83d',
    '\ude00',
    '😀',
    '\u0000',
    '\udb40\udc41',
    'שלום',
    'x'.repeat(700),
    'word '.repeat(300),
    '😀'.repeat(400),
    '`'.repeat(900),
  ],
  ...[
    '\n'.repeat(500),
    'password=hunter2',
    'ghp_aB3dE5fG7haB3dE5fG7haB3dE5fG7h',
    'sk-ant-api03-aB3dE5fG7haB3dE5fG7h',
    ...secrets,
    'none',
    'Fixed it.',
  ],
);
const text = oneof(
  { weight: 6, arbitrary: array(piece, { maxLength: 12 }).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: string({ unit: 'binary', maxLength: 60 }) },
);
const maybe = option(text, { nil: null });

const run = record({
  number: integer({ min: 1 }),
  agentName: maybe,
  status: constantFrom(...endedStatuses),
  stopReason: constantFrom('completed', 'process_lost', 'toString', 'adapter_failed'),
  errorCode: option(constantFrom('rate_limited', 'adapter_failed', '__proto__'), { nil: null }),
  error: maybe,
  liveness: option(
    record({
      state: constantFrom(...livenessStates),
      reason: text,
      nextAction: maybe,
      lastUsefulActionAt: option(integer(), { nil: null }),
      claimsDone: boolean(),
    }),
    {
      nil: null,
    },
  ),
  reports: array(record({ kind: constantFrom(...reportKinds), text, who: maybe, at: integer() }), { maxLength: 4 }),
  attempt: integer({ min: 0, max: 5 }),
  cwd: text,
  branch: maybe,
  leftovers: array(record({ command: text, ended: boolean() }), { maxLength: 3 }),
  workspace: option(
    record({
      root: text,
      paths: array(text, { maxLength: 20 }),
      filesChanged: option(integer({ min: 0, max: 99 }), { nil: null }),
    }).map(({ root, paths, filesChanged }) => {
      const named = paths.map((path) => ({ path, kind: 'update' as const }));
      return aWorkspace({
        files: named,
        sinceTask: { run: 41, root, commits: null, filesChanged, insertions: 1, deletions: null, files: named },
      });
    }),
    { nil: null },
  ),
  account: option(
    record({
      text,
      sessionId: maybe,
      command: array(text, { maxLength: 20 }),
      path: array(text, { maxLength: 20 }),
      filesMore: integer({ min: 0, max: 9 }),
    }).map(({ command, path, ...rest }) => ({
      ...emptyStreamState,
      ...rest,
      ...commands(...command),
      ...files(...path),
      openTools: {
        x: { tool: path[0] ?? 'Bash', kind: 'command' as const, command: command[0] ?? null, paths: path, at: noon },
      },
      denials: { count: path.length, tools: path.slice(0, 10), worked: false },
    })),
    { nil: null },
  ),
}).map((given) => aSummaryRun(given));

const input = record({
  task: record({
    number: integer({ min: 1 }),
    title: text,
    description: maybe,
    acceptance: maybe,
    kind: constantFrom(...taskKinds),
    status: constantFrom(...taskStatuses),
    priority: integer(),
    blockedReason: maybe,
  }),
  runs: array(run, { maxLength: 12 }),
  documents: array(record({ key: text, revision: integer(), title: maybe, updatedAt: integer() }), { maxLength: 9 }),
  comments: array(record({ author: text, text, at: integer(), byPerson: boolean() }), { maxLength: 9 }),
  at: integer(),
}).map((given): SummaryInput => ({ ...given, secrets }));

const numRuns = fuzzRuns(300);

describe('a summary of arbitrary texts', { timeout: 30_000 }, () => {
  it('has its sections in order, each within its limit', () => {
    assert(
      property(input, (given) => {
        const summary = continuationSummary(given);
        const sections = sectionsOf(summary);
        expect([...sections.keys()]).toEqual(headings);
        for (const body of sections.values())
          expect([body.length > 0, body.length <= sectionLength]).toEqual([true, true]);
        expect(summary.length).toBeLessThanOrEqual(summaryLength);
        expect(summary.match(/^# .*$/gm)).toEqual(['# Continuation summary']);
        expect(continuationSummary(given)).toBe(summary);
      }),
      { numRuns },
    );
  });

  it('has no secret, open fence, broken character or hidden text', () => {
    assert(
      property(input, (given) => {
        const summary = continuationSummary(given);
        for (const secret of ['Zq7-opaque', 'Zeilen geheim', 'hunter2', 'ghp_', 'sk-ant'])
          expect(summary).not.toContain(secret);
        expect(fencesClose(summary)).toBe(true);
        expect(summary.isWellFormed()).toBe(true);
        expect(summary).not.toMatch(
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]|\udb40[\udc00-\udc7f]/,
        );
      }),
      { numRuns },
    );
  });

  it('has the words of agents behind "> ", within a fence', () => {
    assert(
      property(text, (words) => {
        const marked = `said-by-agent ${words}`;
        const summary = continuationSummary({
          task: {
            number: 1,
            title: 't',
            description: null,
            acceptance: null,
            kind: 'work',
            status: 'in_progress',
            priority: 0,
            blockedReason: null,
          },
          runs: [
            aSummaryRun({
              streamState: { ...emptyStreamState, text: marked },
              error: marked,
              reports: [{ kind: 'next', text: marked, who: null, at: 0 }],
            }),
          ],
          documents: [],
          comments: [],
          at: 0,
          secrets: [],
        });
        let fenced = false;
        for (const line of summary.split('\n')) {
          if (line.startsWith('```')) fenced = !fenced;
          else if (fenced) expect(line.startsWith('>')).toBe(true);
          else expect(line).not.toContain('said-by-agent');
        }
      }),
      { numRuns },
    );
  });

  it('is built quickly from a megabyte of text', () => {
    for (const part of ['`', '\n', '## \n', '\u001b[', '\u001b]', ' ', '> ', '\ud83d', 'a']) {
      const words = part.repeat(Math.ceil(2 ** 20 / part.length));
      const before = performance.now();
      const summary = continuationSummary({
        task: {
          number: 1,
          title: words,
          description: words,
          acceptance: null,
          kind: 'work',
          status: 'in_progress',
          priority: 0,
          blockedReason: null,
        },
        runs: [aSummaryRun({ error: words, reports: [{ kind: 'next', text: words, who: null, at: 0 }] })],
        documents: [],
        comments: [],
        at: 0,
        secrets,
      });
      expect(performance.now() - before).toBeLessThan(4_000);
      expect([...sectionsOf(summary).keys()]).toEqual(headings);
    }
  });
});
