import { describe, expect, it } from 'vitest';
import { claimsDone } from '#task/liveness/claims-done.ts';
import { classifyLiveness } from '#task/liveness/liveness.ts';
import { splitLines } from '#task/liveness/parse-message.ts';
import { anInput, reports } from '../../../support/liveness.ts';

describe('a final message', () => {
  it.each([
    'All done.',
    'All done. The change is in place.',
    'Done.',
    'Done!',
    '✅ Done.',
    'Done: the parser handles tabs now.',
    'Everything is done.',
    'The task is complete.',
    'The task has been completed.',
    'I have finished the task.',
    'I have completed all the work.',
    "I'm done.",
    'The change is in place.',
    'All changes are in place and the tests pass.',
    'Nothing is left to do.',
    'There is nothing more to do.',
    'No further changes are needed.',
    'No changes were necessary; the file already had the line.',
    'Implementation complete.',
    'Task complete!',
    '**Task completed.**',
    'The fix was already in place.',
    'All three steps are done.',
    'Everything is in place now.',
    'Finished. The report lies in report.md.',
    'I’ve completed the task.',
    'The work is finished.',
    'Ready for review.',
    'Both changes are done.',
    'All acceptance criteria are met.',
    'It is done: `npm test` passes.',
    'Alles ist erledigt.',
    'Fertig.',
    'Die Aufgabe ist abgeschlossen.',
    "C'est terminé.",
    'Tout est en place.',
    'La tâche est terminée.',
    'Listo.',
    'Todo está hecho.',
    'La tarea está completada.',
    '任务已完成。',
    '全部完成。',
    '作業は完了しました。',
    'すべて完了しました。',
    'The tests are green. Nothing else to do.',
    'All tasks have been completed successfully.',
    'The requested feature is implemented.',
    'Done — see src/a.ts.',
    'Okay, all done!',
    'Done as requested.',
  ])('claims that the work is done: "%s"', (text) => expect(claimsDone(splitLines(text))).toBe(true));
});

describe('a final message', () => {
  it.each([
    'I changed the parser.',
    'Built.',
    'Changed.',
    'Changed a little.',
    'The parser lives in src/parse.ts.',
    'Step 1 is done. Step 2 comes next.',
    'The first part is done.',
    'All done except the tests.',
    'Once that is done I will go on.',
    'Is everything done?',
    'When it is done, tell me.',
    'The work is not done.',
    'It is almost done.',
    'Done with the first part.',
    'Done reading the files.',
    'I am not finished.',
    'The build is done, but the tests still fail.',
    'All done. Next: write the tests.',
    'All done. I will now run the tests.',
    'Two of three steps are done.',
    'The task is half done.',
    'I could not finish the task.',
    'The change is in place. The tests remain to be written.',
    'Not done yet.',
    'The download is complete.',
    '## Done\n- parser\n## Remaining\n- tests',
    'He said "all done".',
    '`done` is the keyword.',
    'The compilation finished with errors; one test is failing.',
    'Die Aufgabe ist noch nicht erledigt.',
    'Fast fertig.',
    "Ce n'est pas terminé.",
    'La tarea no está lista.',
    '还没完成。',
    'まだ完了していません。',
    'I ran the tests again and wrote the log.',
    'I changed a.txt.',
    'The file is written.',
    'Wrote it.',
    'The server is ready on port 3000, what next?',
    'If everything is done, close it.',
    'Tests done so far: 12 of 40.',
    'The loop is done when i equals n.',
    'I looked at the code.',
    'Used it.',
    'I think the plan is good.',
    'The list is complete when all are ticked.',
    'Nothing was found in the logs, so I still have to look at the database.',
    'The backup should be done daily.',
  ])('claims nothing about the whole work: "%s"', (text) => expect(claimsDone(splitLines(text))).toBe(false));
});

describe('the verdict', () => {
  it('includes the claim of the final message, unless a step was reported', () => {
    expect(classifyLiveness(anInput({ text: 'All done.' })).claimsDone).toBe(true);
    expect(classifyLiveness(anInput({ text: 'All done.', reports: reports(['next', 'the tests']) })).claimsDone).toBe(
      false,
    );
    expect(classifyLiveness(anInput({ text: '' })).claimsDone).toBe(false);
  });
});
