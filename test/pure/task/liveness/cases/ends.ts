import { casesOf, commands, files, reports } from '../../../../support/liveness.ts';

const words = 'I will inspect the repo next.';

export const ends = [
  ...casesOf('failed', [
    [
      'failed with an adapter error',
      'the status decides before anything else',
      { outcome: { status: 'failed', errorCode: 'adapter_failed', stopReason: 'adapter_failed' } },
    ],
    [
      'failed because of a missing login',
      'the reason names the code, so that a person can act',
      { outcome: { status: 'failed', errorCode: 'auth_required', stopReason: 'adapter_failed' } },
    ],
    [
      'lost',
      'an unknown end is never called a success',
      { outcome: { status: 'failed', errorCode: 'process_lost', stopReason: 'process_lost' } },
    ],
    [
      'timed out',
      'it did not end by itself',
      { outcome: { status: 'timed_out', errorCode: 'timeout', stopReason: 'timeout' } },
    ],
    [
      'silent for too long',
      'it did not end by itself',
      { outcome: { status: 'timed_out', errorCode: 'timeout', stopReason: 'silence' } },
    ],
    [
      'cancelled',
      'a person stopped it',
      { outcome: { status: 'cancelled', errorCode: 'cancelled', stopReason: 'cancelled' } },
    ],
    [
      'paused',
      'a person paused its agent',
      { outcome: { status: 'cancelled', errorCode: 'cancelled', stopReason: 'paused' } },
    ],
    [
      'failed although its task is done',
      'a failed run of a done task has failed all the same',
      { outcome: { status: 'failed', errorCode: 'exit_nonzero' }, task: { status: 'done' } },
    ],
    [
      'failed although its task is blocked',
      'the status comes before the task',
      { outcome: { status: 'failed', errorCode: 'rate_limited' }, task: { status: 'blocked' } },
    ],
    [
      'failed after it had changed files',
      'work does not turn a failure into progress',
      { outcome: { status: 'failed' }, streamState: files('a.ts') },
      { useful: null },
    ],
    [
      'failed with a plan in its last message',
      'the message of a failed run is not a plan',
      { outcome: { status: 'failed' }, text: words },
      { next: null },
    ],
    [
      'failed after reporting what is next',
      'its own report is kept',
      { outcome: { status: 'failed' }, reports: reports(['next', 'rerun the migration']) },
      { next: 'rerun the migration' },
    ],
    [
      'failed with a blocker in its last message',
      'the status comes before the last message',
      { outcome: { status: 'failed' }, text: 'I am blocked on the API key.' },
    ],
    [
      'cancelled without a task',
      'a run needs no task to fail',
      { outcome: { status: 'cancelled', errorCode: 'cancelled' }, task: null },
    ],
  ]),
  ...casesOf('completed', [
    ['done task, no words', 'the task says that it is over', { task: { status: 'done' } }],
    ['cancelled task', 'no more work is expected', { task: { status: 'cancelled' } }],
    [
      'done task with a blocker in the words',
      'the status of the task overrides the last message',
      { task: { status: 'done' }, text: 'I am blocked on the API key.' },
      { next: null },
    ],
    [
      'done task after a report of a blocker',
      'the status of the task overrides an older report',
      { task: { status: 'done' }, reports: reports(['blocked', 'no key']) },
    ],
    [
      'done task with changed files',
      'completed, and the last useful action is kept',
      { task: { status: 'done' }, streamState: files('a.ts') },
      { useful: Date.UTC(2026, 5, 1, 12) },
    ],
    [
      'done task with a plan in the words',
      'the status of the task overrides the last message',
      { task: { status: 'done' }, text: words },
      { next: null },
    ],
    [
      'done plan',
      'the kind does not matter when the task is over',
      { task: { status: 'done', kind: 'plan' }, text: 'Here is the plan.' },
    ],
    [
      'done task after a read-only look',
      'a read-only look is not a useful action',
      { task: { status: 'done' }, streamState: commands('git status') },
      { useful: null },
    ],
  ]),
  ...casesOf('empty_response', [
    ['no words, nothing done', 'exit code 0 alone means nothing', {}],
    ['no task either', 'the same without a task', { task: null }],
    ['white space', 'blank text has no words', { text: ' \n\t \n' }],
    ['invisible characters', 'zero-width characters are no words', { text: '\u200b\u200d\ufeff' }],
    ['an ellipsis', 'punctuation says nothing', { text: '…' }],
    ['dots', 'punctuation says nothing', { text: '...' }],
    ['an empty fence', 'a fence with nothing in it', { text: '```\n\n```' }],
    ['a thumbs-up', 'an emoji announces nothing', { text: '👍' }],
    ['a placeholder', 'a program that has nothing to say says so', { text: '(no content)' }],
    ['another placeholder', 'claude says so when it was not asked for anything', { text: 'No response requested.' }],
    ['null', 'the text of an absent value', { text: 'null' }],
    ['[no output]', 'a placeholder in brackets', { text: '[no output]' }],
    ['an empty string in quotes', 'quotes with nothing in them', { text: '""' }],
    ['an empty object', 'brackets with nothing in them', { text: '{}' }],
    [
      'no words after looking around',
      'commands that only read are no evidence',
      { streamState: commands('ls', 'cat README.md', 'git status') },
    ],
    ['no words, tree changed by others', 'it used no tool that could have changed it', { workspace: {} }],
    [
      'no words, tools that left nothing',
      'a call of a tool is no evidence by itself',
      { streamState: { toolCalls: 5 } },
    ],
    ['no words, unknown work tree', 'what is not known is no evidence', { workspace: { commits: null } }],
    ['planning task without words', 'a plan was asked for and none came', { task: { kind: 'plan' } }],
    [
      'a plain command that changed nothing',
      'nothing says that it did something',
      { streamState: null, workspace: {} },
    ],
  ]),
];
