import { casesOf, commands, files, reports } from '../../../support/liveness.ts';

const noon = Date.UTC(2026, 5, 1, 12);
const text = 'I will inspect the repo next and then implement the fix.';
const done = 'All done. The change is in place.';

export const evidence = [
  ...casesOf('advanced', [
    ['a test was run', 'a command that may write counts', { account: commands('npm test') }, { useful: noon }],
    ['a test failed', 'a failed command was run all the same', { account: commands(['npm test', 1]) }],
    ['files were changed', 'the stream says so', { account: files('src/a.ts', 'src/b.ts') }, { useful: noon }],
    ['files beyond the listed ones', 'their number counts too', { account: { filesMore: 3 } }],
    [
      'one command among many that read',
      'one that may write is enough',
      { account: commands('ls', 'cat a', 'sed -i s/a/b/ a', 'git diff') },
      { useful: noon + 2 },
    ],
    ['a redirection', 'it writes a file', { account: commands('echo hi > out.txt') }],
    [
      'a command in the background',
      'it was started and has not ended yet',
      { account: { toolCalls: 1, openTools: { x: { tool: 'shell', kind: 'command', command: 'npm run dev', paths: [], at: noon } } } },
      { useful: noon },
    ],
    ['a command too long to keep whole', 'its end may write', { account: commands(`cat ${'a'.repeat(295)}`) }],
    [
      'a commit',
      'HEAD has a commit it had not, and a command could have made it',
      { account: commands('git commit -m x'), workspace: { headAfter: 'bbb', commits: 1 } },
    ],
    ['a changed tree after an edit', 'the tree changed and an edit was seen', { account: files('a.ts'), workspace: { treeChanged: true } }],
    [
      'a changed tree, the commands not listed any more',
      'one of the unlisted may have written, and something has changed',
      { account: { ...commands('ls'), commands: 60 }, workspace: { treeChanged: true } },
      { useful: noon + 60_000 },
    ],
    [
      'a plain command that changed the tree',
      'without a stream the tree is all there is',
      { account: null, workspace: { treeChanged: true } },
      { useful: noon + 60_000 },
    ],
    ['a plain command that committed', 'without a stream HEAD is all there is', { account: null, workspace: { headAfter: 'bbb', commits: 2 } }],
    [
      'a plain command that moved HEAD, commits not counted',
      'HEAD moved, by how much is not known',
      { account: null, workspace: { headAfter: 'bbb', commits: null } },
    ],
    ['a comment', 'it told its task something', { records: { comments: 1, lastAt: noon + 5 } }, { useful: noon + 5 }],
    ['a document', 'it wrote one', { records: { documents: 1, lastAt: noon + 5 } }],
    ['the plan was revised', 'on a task of any kind', { records: { planRevised: true, documents: 1, lastAt: noon }, text }],
    ['a report of progress', 'structured evidence', { reports: reports(['progress', 'half of the tests pass']) }],
    ['a report that it is done', 'the task goes to review, the run has advanced', { reports: reports(['done', 'fixed']), task: { status: 'in_review' } }],
    ['a summary', 'structured evidence', { reports: reports(['summary', 'parser rewritten']) }],
    ['a blocker that was reported and then done', 'the later report counts', { reports: reports(['blocked', 'no key'], ['done', 'found the key']) }],
    ['evidence and only a plan in words', 'evidence comes before words', { account: commands('npm test'), text }, { next: null }],
    [
      'evidence and a labelled next action',
      'the label is kept',
      { account: commands('npm test'), text: `${done}\n\nNext action: open the pull request` },
      { next: 'open the pull request' },
    ],
    ['evidence without a word', 'nothing needs to be said', { account: files('a.ts'), text: '' }],
    ['evidence without a task', 'a run without a task can advance', { account: files('a.ts'), task: null, text: done }],
    ['a planning task with evidence', 'evidence comes before the exemption', { account: files('plan.md'), task: { kind: 'plan' }, text: done }],
    [
      'everything at once',
      'the reason lists all of it',
      { account: { ...commands('npm test', ['npm run lint', 1]), ...files('a.ts') }, records: { comments: 1, documents: 2, lastAt: noon + 9 } },
      { useful: noon + 9 },
    ],
  ]),
  ...casesOf('needs_followup', [
    [
      'only looked around',
      'research may be what was asked, or not: a person looks',
      { account: commands('rg foo', 'cat a.ts', 'git log'), text: 'The bug is in a.ts line 4.' },
    ],
    [
      'looked around, tree changed beside it',
      'a person edits beside it; ls changed nothing',
      { account: commands('ls', 'git status'), workspace: { treeChanged: true }, text: done },
    ],
    ['commits appeared beside it', 'it had nothing to commit with', { workspace: { headAfter: 'bbb', commits: 1 }, text: done }],
    [
      'only read, through wrappers',
      'the wrapper does not make it a write',
      { account: commands("bash -lc 'cat a | head'", 'cd x && git status 2>/dev/null'), text: done },
    ],
    ['says that it edited 40 files', 'words are no evidence', { text: 'I edited 40 files and all tests pass.' }],
    [
      'tree changed, unknown tools only',
      'a tool that only may have written is not enough',
      { account: { toolCalls: 3 }, workspace: { treeChanged: true }, text: done },
    ],
    [
      'asked clip for its task',
      "clip's own commands count where they are recorded",
      { account: commands('clip task show T7', 'clip report next "look"'), text: done },
    ],
    ['sixty commands, tree as before', 'those not listed left nothing', { account: { ...commands('ls', 'rg x'), commands: 60 }, workspace: {}, text: done }],
    ['a plain command with words', 'words without evidence', { account: null, workspace: {}, text: 'ok' }],
  ]),
  ...casesOf('plan_only', [
    ['only reported what is next', 'an announcement, by whatever way', { reports: reports(['next', 'inspect the parser']) }, { next: 'inspect the parser' }],
    [
      'reported what is next and says so',
      'the report names it best',
      { reports: reports(['next', 'inspect the parser']), text },
      { next: 'inspect the parser' },
    ],
    ['looked around and only announces', 'reading first does not make a plan more', { account: commands('ls', 'cat package.json'), text }],
    ['a plan without a task', 'a run without a task can plan', { task: null, text }],
    [
      'the word report in the title',
      'Fix crash in report export is no report',
      { task: { title: 'Fix crash in report export' }, text: 'I will look into it.' },
    ],
  ]),
];
