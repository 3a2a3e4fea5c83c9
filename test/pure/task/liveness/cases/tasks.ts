import { casesOf, commands, reports } from '../../../../support/liveness.ts';

const text = 'I will inspect the repo next.';

export const tasks = [
  ...casesOf('advanced', [
    ['kind plan', 'the task asks for text', { task: { kind: 'plan' }, text }],
    ['kind document', 'the task asks for text', { task: { kind: 'document' }, text: 'The document is below.' }],
    [
      'Write a plan for the migration',
      'the title asks for a plan',
      { task: { title: 'Write a plan for the migration' }, text },
    ],
    [
      'Plan the migration to Postgres',
      'plan is a verb here',
      { task: { title: 'Plan the migration to Postgres' }, text },
    ],
    [
      'Investigate why exports are slow',
      'the result of an investigation is text',
      { task: { title: 'Investigate why exports are slow' }, text: 'They are slow because of N+1 queries.' },
    ],
    [
      'Proposal: new plugin API',
      'a proposal is text',
      { task: { title: 'Proposal: new plugin API' }, text: 'Plugins get a manifest.' },
    ],
    [
      'the description asks for an analysis',
      'a line of it begins with that',
      { task: { title: 'Slow exports', description: 'Context.\n\nWrite an analysis of the slow exports.' }, text },
    ],
    [
      'the description forbids code',
      'do not implement anything yet',
      { task: { title: 'Exports', description: 'Do not implement anything yet.' }, text },
    ],
    [
      'Erstelle einen Plan für den Umbau',
      'the title asks for a plan, in German',
      { task: { title: 'Erstelle einen Plan für den Umbau' }, text: 'Der Umbau hat drei Schritte.' },
    ],
    [
      'Rédiger une proposition pour le cache',
      'the title asks for a proposal, in French',
      { task: { title: 'Rédiger une proposition pour le cache' }, text: 'Voici la proposition.' },
    ],
    [
      'Preparar un informe sobre costes',
      'the title asks for a report, in Spanish',
      { task: { title: 'Preparar un informe sobre costes' }, text: 'El informe.' },
    ],
    [
      '移行計画を作成する',
      'the title asks for a plan, in Japanese',
      { task: { title: '移行計画を作成する' }, text: '移行は三段階です。' },
    ],
    [
      '撰写迁移方案',
      'the title asks for a plan, in Chinese',
      { task: { title: '撰写迁移方案' }, text: '方案分三步。' },
    ],
    ['the plan was revised, no other document', 'the plan is evidence by itself', { records: { planRevised: true } }],
  ]),
  ...casesOf('plan_only', [
    ['Plan page crashes on load', 'a page, not a plan', { task: { title: 'Plan page crashes on load' }, text }],
    ['Create a plan selector', 'a selector, not a plan', { task: { title: 'Create a plan selector' }, text }],
    [
      'Investigate and fix the crash',
      'the words are only the way to the fix',
      { task: { title: 'Investigate and fix the crash' }, text },
    ],
    ['Report export crashes', 'a noun in a title', { task: { title: 'Report export crashes' }, text }],
    ['Write a report generator', 'a generator, not a report', { task: { title: 'Write a report generator' }, text }],
    ['Update the research page', 'a page', { task: { title: 'Update the research page' }, text }],
    [
      'a description that mentions a plan',
      'a mention is not a request',
      { task: { title: 'Add billing', description: 'Users on the Pro plan see the analysis tab.' }, text },
    ],
    [
      'Untersuche und behebe den Absturz',
      'the same in German',
      { task: { title: 'Untersuche den Absturz und behebe ihn' }, text },
    ],
    ['調査して修正する', 'the same in Japanese', { task: { title: '不具合を調査して修正する' }, text }],
  ]),
  ...casesOf('blocked', [
    [
      'the task is blocked',
      'its status says so',
      { task: { status: 'blocked', blockedReason: 'Needs the staging key.' }, text },
    ],
    [
      'the task is blocked, with evidence',
      'a blocked task beats evidence, and keeps the last useful action',
      { task: { status: 'blocked' }, streamState: commands('npm test') },
      { useful: Date.UTC(2026, 5, 1, 12) },
    ],
    [
      'reported a blocker',
      'the run reported it explicitly',
      { reports: reports(['blocked', 'no access to the registry']) },
    ],
    [
      'reported a blocker after it was done once',
      'the later report counts',
      { reports: reports(['done', 'x'], ['blocked', 'review found that a key is missing']) },
    ],
    [
      'reported a blocker and went on a little',
      'progress does not remove a blocker',
      { reports: reports(['blocked', 'no key'], ['progress', 'did the rest']) },
    ],
    [
      'reported a blocker, with evidence',
      'a report of a blocker beats evidence',
      { reports: reports(['blocked', 'no key']), streamState: commands('npm test') },
    ],
    [
      'reported a blocker without a task',
      'a run without a task can be blocked',
      { task: null, reports: reports(['blocked', 'no key']) },
    ],
    [
      'a blocker in the words, with a comment',
      'declared after some work',
      { text: 'I am blocked: I need the API key.', records: { comments: 1, lastAt: 5 } },
      { useful: 5 },
    ],
    [
      'a planning task that cannot go on',
      'the exemption comes after the blocker',
      { task: { kind: 'plan' }, text: 'I cannot proceed without access to the tracker.' },
    ],
  ]),
];
