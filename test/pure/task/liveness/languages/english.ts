import type { SpokenSets } from '../../../../support/spoken.ts';

export const english: SpokenSets = {
  first: {
    blocked: [
      'I compared both clients. The old one is used in 14 places and the new one in 3, and they differ in how they retry. Which of the two APIs do you want?',
      'The migration drops the column `legacy_id`, which still has 40,000 rows with data. Should I delete it?',
      'Please give me access to the staging cluster. Until then I cannot verify the deployment.',
      'Before I can go on, someone has to create the project in the Google console and send me the client secret.',
      'There are two ways to do this: a queue or a lock. The spec allows both and they behave differently for your users. Which one would you prefer?',
      'Do you want me to force-push the branch? It would overwrite two commits of Anna.',
      'I need a decision from you: keep the v1 endpoint, or remove it?',
      'Please tell me which of the two licenses applies, so that I can continue.',
      'The package can only be published by an owner of the organization, and I am not one. Please publish it or add me as an owner.',
      'The API key in `.env` has expired. Please renew it so that I can run the tests.',
    ],
    plans: [
      "I'll start by reading the parser, then add a test for empty files.",
      'First I will reproduce the crash. After that I will fix it and run the suite.',
      'Next, I am going to split the module and update the imports.',
    ],
    claims: [
      'Done. All tests pass. Shall I also add tests for the old parser?',
      'The task is complete. Would you like me to update the changelog as well?',
      'Everything is implemented. Let me know if you want me to squash the commits.',
    ],
    other: [
      'Why does it fail? Because the cache is never invalidated.',
      'Which of the two is right? The spec says the first, so the code is correct.',
      'I found the cause: the lock is taken twice. The fix is small.',
      'I am not blocked; the tests only take long.',
      'I was blocked by a missing token, but the user has added it.',
      'No access to production was needed.',
      'The function is called twice. Want me to look deeper?',
      'The form asks: which of the two plans do you want?',
      'Tests: 12 passed, 1 failed (`pages(11, 5)`).',
      'If you want, I can also clean up the imports.',
    ],
  },
  apart: {
    blocked: [
      'The deployment needs the production password, which I do not have. Please add it to the vault so that I can continue.',
      'Both designs meet the criteria. Do you prefer the queue or the lock?',
      'Shall I drop the production index? It cannot be undone.',
      'I cannot merge this myself: an approval from a maintainer is required. Please approve the pull request.',
    ],
    plans: ["Let me first look at the failing test. Then I'll fix the rounding."],
    claims: ['All done, the suite is green. Should I open a pull request?'],
    other: [
      'Should the limit be 10 or 20? I used 20, as in the spec.',
      'The dialog says "Please give us access to your calendar".',
      'Could this be faster? Yes, with an index.',
      'I did not need any credentials, the mock was enough.',
    ],
  },
  traps: {
    blocked: [
      'I cannot tell from the ticket what you mean by "old clients", and deleting the wrong ones cannot be undone. Please tell me which of them you mean.',
    ],
    plans: [],
    claims: ['All done. Please add your API key to `.env` before you start the server.'],
    other: [
      'Please add your API key to `.env` before you start the server.',
      'The wizard asks which plan you want and then continues.',
      'The lookup fails because the key is missing, so the value cannot be read.',
      'I asked myself: should I reset the cache? It was not needed.',
      'Everything is done except the tests.',
    ],
  },
  plain: {
    blocked: [
      'I have prepared the release, but publishing needs a one-time password that only you receive. Please send me the code so that I can finish.',
      'The ticket and the test contradict each other: one says 14 days, the other 30. Which of them would you like to keep?',
    ],
    plans: ["I'm going to profile the query first. Then I'll add the index."],
    claims: ['The feature is complete and all checks pass.\n\nShould I squash the commits?'],
    other: [
      'Summary:\n- the cache is read twice\n- the lock is never released\n\nI have not changed anything yet.',
      'The endpoint returns 403 because the token lacks the permission `write`. That is expected.',
      'Which approach did I take? The queue, since the lock would block readers.',
      'Please review the diff when you have time.',
    ],
  },
};
