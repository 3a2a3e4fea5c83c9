import { wordsOf } from '../../../../support/liveness.ts';

/** Last messages that were written before their verdict was tested. */
export const messagesThatDecide = [
  ...wordsOf('blocked', [
    [
      "I'm not able to proceed because I don't have access to the internal registry. Please grant access.",
      'it says that it cannot go on without a person',
    ],
    [
      "I've hit a blocker.\n\n**Blocker:** the CI token lacks the `repo` permission.\n\n**What I need:** a token with that permission.",
      'it says that it cannot go on without a person',
    ],
    [
      'I need the production database password to continue. Could you share it?',
      'it says that it cannot go on without a person',
    ],
    ['Waiting for your approval to run the destructive migration.', 'it says that it cannot go on without a person'],
    [
      "I can't complete this task without credentials for the Stripe account.",
      'it says that it cannot go on without a person',
    ],
    ['I am currently blocked because the GitHub token is invalid.', 'it says that it cannot go on without a person'],
    [
      'Unfortunately I cannot continue: the sandbox blocks all network access.',
      'it says that it cannot go on without a person',
    ],
    [
      'I still need access to the staging server before I can verify the deployment.',
      'it says that it cannot go on without a person',
    ],
    [
      "I tried to push but got 403. I don't have write permission on the repo, so I can't continue. Please grant access.",
      'it says that it cannot go on without a person',
    ],
    ['I am waiting for your answer before touching the billing code.', 'it says that it cannot go on without a person'],
    ['Cannot proceed without the OAuth client secret.', 'it says that it cannot go on without a person'],
    ['I need your input: should the old endpoint stay?', 'it says that it cannot go on without a person'],
    ["I'm stuck waiting for credentials from ops.", 'it says that it cannot go on without a person'],
    [
      'I have to stop here. I cannot complete the task because the required VPN is not reachable from this machine.',
      'it says that it cannot go on without a person',
    ],
    [
      "I tried three ways to reach the registry, but each was refused with 403. I can't proceed without a valid npm token. Please add NPM_TOKEN to the environment.",
      'it says that it cannot go on without a person',
    ],
    [
      "I wasn't able to push the branch. I need write access to the GitHub repository before I can continue.",
      'it says that it cannot go on without a person',
    ],
    [
      "The implementation is done, but I'm blocked on deploying it: I don't have the AWS credentials.",
      'it says that it cannot go on without a person',
    ],
    ['To finish this I need your approval for the schema change.', 'it says that it cannot go on without a person'],
    [
      "I'm unable to continue because the required API key (`OPENAI_API_KEY`) is not set.",
      'it says that it cannot go on without a person',
    ],
    ['**Status:** Blocked — awaiting credentials', 'it says that it cannot go on without a person'],
    [
      '⛔ Blocked\n\nI need the VPN password from you before I can continue.',
      'it says that it cannot go on without a person',
    ],
    [
      'I cannot complete the task: the repository requires a license key that I do not have.',
      'it says that it cannot go on without a person',
    ],
    ['I need input from you on which schema to use.', 'it says that it cannot go on without a person'],
    [
      "I've completed steps 1-3. Step 4 requires the production credentials, which I don't have. I'm blocked until someone provides them.",
      'it says that it cannot go on without a person',
    ],
    ["I can't go any further without the signing key.", 'it says that it cannot go on without a person'],
    [
      'Summary:\n- parser rewritten\n- docs updated\n\nI am waiting for your decision on whether to drop the table.',
      'it says that it cannot go on without a person',
    ],
    ['The sandbox denies network access. I am unable to continue.', 'it says that it cannot go on without a person'],
    ['Before I can go on I need your approval.', 'it says that it cannot go on without a person'],
    ['I need your permission to delete the branch.', 'it says that it cannot go on without a person'],
    ["Sorry, I'm blocked: `npm login` wants a one-time password.", 'it says that it cannot go on without a person'],
    ['Blocked on missing AWS credentials.', 'it says that it cannot go on without a person'],
  ]),
  ...wordsOf('plan_only', [
    [
      "I'll start by exploring the project structure to understand how things are organized.",
      'all it does is to announce its work',
    ],
    ['Let me begin by reading the relevant files.', 'all it does is to announce its work'],
    ["I'll help with that! First, let me look at the current code.", 'all it does is to announce its work'],
    [
      "To implement this feature, I'll need to modify the router and add a handler.",
      'all it does is to announce its work',
    ],
    [
      'I will create a new branch, implement the changes and open a pull request.',
      'all it does is to announce its work',
    ],
    ["Now I'll run the tests:", 'all it does is to announce its work'],
    [
      "Here's the plan:\n\n1. Update the schema\n2. Regenerate the client\n3. Fix the call sites",
      'all it does is to announce its work',
    ],
    ["I understand the task. I'll now implement the change.", 'all it does is to announce its work'],
    ["Next I'll check how the config is loaded.", 'all it does is to announce its work'],
    ["I'm going to search for all usages of the function and then update them.", 'all it does is to announce its work'],
    ["I'll look into the failing build and report back.", 'all it does is to announce its work'],
    [
      'I will first read the spec, then write the tests and finally implement it.',
      'all it does is to announce its work',
    ],
    ["I'm going to refactor the module into smaller pieces.", 'all it does is to announce its work'],
    ["Understood. I'll fix the bug in the parser and add a regression test.", 'all it does is to announce its work'],
    ['Let me run the build to see where it fails.', 'all it does is to announce its work'],
    [
      'Plan:\n1. Reproduce the bug\n2. Write a failing test\n3. Fix it\n4. Verify',
      'all it does is to announce its work',
    ],
    [
      "I'll help you fix the failing tests. Let me start by looking at the test files.",
      'all it does is to announce its work',
    ],
    [
      "I'll analyze the codebase to understand the structure and then implement the feature.",
      'all it does is to announce its work',
    ],
    ['Let me look at the existing implementation first.', 'all it does is to announce its work'],
    ['Great, now let me update the tests:', 'all it does is to announce its work'],
    [
      "I'm going to work through this step by step.\n\n1. Inspect the schema\n2. Write the migration\n3. Run it",
      'all it does is to announce its work',
    ],
    [
      "Here's how I'll approach this:\n\n1. Inspect the schema\n2. Write the migration",
      'all it does is to announce its work',
    ],
    ['I will now proceed to implement the parser.', 'all it does is to announce its work'],
    ["I'll create the file now.", 'all it does is to announce its work'],
    ["Next, I'll run the full test suite and fix any failures.", 'all it does is to announce its work'],
    ['I need to check the config before making changes.', 'all it does is to announce its work'],
    ["I'll take a look at the failing test and fix it.", 'all it does is to announce its work'],
    ["First, I'll explore the codebase.", 'all it does is to announce its work'],
    [
      "Thanks for the details! I'll implement this in two phases:\n\n1. Add the schema\n2. Add the endpoint",
      'all it does is to announce its work',
    ],
    ['Let me now run the tests to verify that everything works.', 'all it does is to announce its work'],
    ['**Next steps**\n\n1. Write the migration\n2. Run it', 'all it does is to announce its work'],
    ['TODO:\n- [ ] parser\n- [ ] printer', 'all it does is to announce its work'],
    ["Okay. I'm now going to write the failing test.", 'all it does is to announce its work'],
    ["Now I'll update the docs.", 'all it does is to announce its work'],
    ['I’ll proceed with the implementation now.', 'all it does is to announce its work'],
  ]),
];
