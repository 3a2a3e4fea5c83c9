import { casesOf, commands, files, reports } from '../../../../support/liveness.ts';

const noon = Date.UTC(2026, 5, 1, 12);
const text = 'I will inspect the repo next and then implement the fix.';
const done = 'All done. The change is in place.';

export const evidence = [
  ...casesOf('advanced', [
    ['a test was run', 'a command that may write counts', { streamState: commands('npm test') }, { useful: noon }],
    ['a test failed', 'a failed command was run all the same', { streamState: commands(['npm test', 1]) }],
    ['files were changed', 'the stream says so', { streamState: files('src/a.ts', 'src/b.ts') }, { useful: noon }],
    ['files beyond the listed ones', 'their number counts too', { streamState: { filesMore: 3 } }],
    [
      'one command among many that read',
      'one that may write is enough',
      { streamState: commands('ls', 'cat a', 'sed -i s/a/b/ a', 'git diff') },
      { useful: noon + 2 },
    ],
    ['a redirection', 'it writes a file', { streamState: commands('echo hi > out.txt') }],
    [
      'a command in the background',
      'it was started and has not ended yet',
      {
        streamState: {
          toolCalls: 1,
          openTools: { x: { tool: 'shell', kind: 'command', command: 'npm run dev', paths: [], at: noon } },
        },
      },
      { useful: noon },
    ],
    ['a command too long to keep whole', 'its end may write', { streamState: commands(`cat ${'a'.repeat(295)}`) }],
    [
      'a commit',
      'HEAD has a commit that the run made',
      { streamState: commands('git commit -m x'), workspace: { commits: 1 } },
    ],
    [
      'a changed file after an edit',
      'its content is other than before',
      { streamState: files('a.ts'), workspace: { files: 1, writtenAt: noon } },
      { useful: noon },
    ],
    [
      'a file that a command changed',
      'when it did so is not told: that it had is seen afterwards',
      { streamState: commands('ls'), workspace: { files: 1 } },
      { useful: noon + 60_000 },
    ],
    [
      'a plain command that changed files',
      'in a worktree of its own',
      { streamState: null, workspace: { files: 2 } },
      { useful: noon + 60_000 },
    ],
    ['a plain command that committed', 'in a worktree of its own', { streamState: null, workspace: { commits: 2 } }],
    [
      'a file that was changed back and a command',
      'the command counts',
      { streamState: { ...files('a.ts'), ...commands('make') }, workspace: {} },
    ],
    ['a comment', 'it told its task something', { records: { comments: 1, lastAt: noon + 5 } }, { useful: noon + 5 }],
    ['a document', 'it wrote one', { records: { documents: 1, lastAt: noon + 5 } }],
    [
      'the plan was revised',
      'on a task of any kind',
      { records: { planRevised: true, documents: 1, lastAt: noon }, text },
    ],
    ['a report of progress', 'structured evidence', { reports: reports(['progress', 'half of the tests pass']) }],
    [
      'a report that it is done',
      'the task goes to review, the run has advanced',
      { reports: reports(['done', 'fixed']), task: { status: 'in_review' } },
    ],
    ['a summary', 'structured evidence', { reports: reports(['summary', 'parser rewritten']) }],
    [
      'a blocker that was reported and then done',
      'the later report counts',
      { reports: reports(['blocked', 'no key'], ['done', 'found the key']) },
    ],
    [
      'evidence and only a plan in words',
      'evidence comes before words',
      { streamState: commands('npm test'), text },
      { next: null },
    ],
    [
      'evidence and a labeled next action',
      'the label is kept',
      { streamState: commands('npm test'), text: `${done}\n\nNext action: open the pull request` },
      { next: 'open the pull request' },
    ],
    ['evidence without a word', 'nothing needs to be said', { streamState: files('a.ts'), text: '' }],
    [
      'evidence without a task',
      'a run without a task can advance',
      { streamState: files('a.ts'), task: null, text: done },
    ],
    [
      'a planning task with evidence',
      'evidence comes before the exemption',
      { streamState: files('plan.md'), task: { kind: 'plan' }, text: done },
    ],
    [
      'everything at once',
      'the reason lists all of it',
      {
        streamState: { ...commands('npm test', ['npm run lint', 1]), ...files('a.ts') },
        records: { comments: 1, documents: 2, lastAt: noon + 9 },
      },
      { useful: noon + 9 },
    ],
  ]),
  ...casesOf('needs_followup', [
    [
      'only looked around',
      'research may be what was asked, or not: a person looks',
      { streamState: commands('rg foo', 'cat a.ts', 'git log'), text: 'The bug is in a.ts line 4.' },
    ],
    [
      'looked around, a person edited beside it',
      'what others changed is not its own',
      { streamState: commands('ls', 'git status'), workspace: {}, text: done },
    ],
    [
      'wrote a file with the bytes it had',
      'nothing is other than before',
      { streamState: files('a.ts'), workspace: {}, text: done },
    ],
    [
      'only read, through wrappers',
      'the wrapper does not make it a write',
      { streamState: commands("bash -lc 'cat a | head'", 'cd x && git status 2>/dev/null'), text: done },
    ],
    ['says that it edited 40 files', 'words are no evidence', { text: 'I edited 40 files and all tests pass.' }],
    [
      'calls of tools that left nothing',
      'a call alone is no evidence',
      { streamState: { toolCalls: 3 }, workspace: {}, text: done },
    ],
    [
      'asked clip for its task',
      "clip's own commands count where they are recorded",
      { streamState: commands('clip task show T7', 'clip report next "look"'), text: done },
    ],
    [
      'sixty commands, tree as before',
      'those not listed left nothing',
      { streamState: { ...commands('ls', 'rg x'), commands: 60 }, workspace: {}, text: done },
    ],
    ['a plain command with words', 'words without evidence', { streamState: null, workspace: {}, text: 'ok' }],
  ]),
  ...casesOf('plan_only', [
    [
      'only reported what is next',
      'an announcement, by whatever way',
      { reports: reports(['next', 'inspect the parser']) },
      { next: 'inspect the parser' },
    ],
    [
      'reported what is next and says so',
      'the report names it best',
      { reports: reports(['next', 'inspect the parser']), text },
      { next: 'inspect the parser' },
    ],
    [
      'looked around and only announces',
      'reading first does not make a plan more',
      { streamState: commands('ls', 'cat package.json'), text },
    ],
    ['a plan without a task', 'a run without a task can plan', { task: null, text }],
    [
      'the word report in the title',
      'Fix crash in report export is no report',
      { task: { title: 'Fix crash in report export' }, text: 'I will look into it.' },
    ],
  ]),
];
