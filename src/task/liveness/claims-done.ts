/**
 * Detects a claim in an agent's last message that the work is done. A claim proves nothing. It only means that another
 * run would bring nothing more, so a person should look. In doubt there is no claim.
 */

import { claimsWorkDone, saysWorkLeft } from './languages/all.ts';
import { labelledNext } from './next-action.ts';
import { type Line, splitSentences } from './parse-message.ts';
import { firstIntent } from './plan-only.ts';

/** Returns whether these lines claim that the work is done, and leave no work open. */
export function claimsDone(lines: readonly Line[]): boolean {
  if (labelledNext(lines)?.action != null || firstIntent(lines) !== null) return false;
  const prose = lines.filter(({ kind }) => kind === 'prose');
  const isClaimed = prose.some(({ text, heading }) =>
    splitSentences(text).some((sentence) => claims(sentence, heading)),
  );
  return isClaimed && !prose.some(({ text }) => splitSentences(text).some((sentence) => leavesWork(sentence)));
}

/** Returns whether a sentence claims that the work is done. A heading "Done" covers only the lines below it. */
function claims(sentence: string, heading: boolean): boolean {
  if (/[?？]$/.test(sentence) || conditional.test(sentence)) return false;
  const words = sentence.replace(emphasis, '');
  return (!heading && bare.test(words)) || forms.some((form) => form.test(words)) || claimsWorkDone(words);
}

/** Emphasis before the claim itself. */
const emphasis =
  /^(?:\p{Extended_Pictographic}|\ufe0f|[\s✓]|(?:ok(?:ay)?|great|perfect|good news|yes|right|so|and|now|status|result|summary|outcome|tl;dr)\b[,.!:]*\s*)+/iu;

const conditional =
  /\b(?:if|once|when|whenever|unless|until|after|as soon as|before|would|should|could|might|half|partly|partially|almost|nearly|not|n't|isn't|aren't|never|except|apart from|wenn|sobald|falls|noch nicht|nicht|fast|teilweise|quand|dès que|presque|pas|cuando|si|casi|no (?:está|están|ha|han|se|quedó|es))\b|还没|尚未|如果|まだ|たら|ではありません|(?<!\p{L})(?:если|когда|почти|quando|quase)(?!\p{L})|하면|만약|아직/iu;

const finished =
  '(?:done|complete|completed|finished|ready|in place|implemented|fixed|resolved|applied|addressed|working|merged|shipped|up to date|satisfied|met)';
const now = '(?:\\s+(?:now|all|already|fully|successfully|both|completely|been|thus|therefore))*';
const is = "(?:\\s*(?:'s|'re|is|are|was|were|has been|have been|has|have|looks|remains))";
const subject =
  '(?:it|this|that|everything|all|both(?: of them| (?:the )?(?:\\w+ )?(?:changes|tasks|parts|steps|files|fixes))?|all of (?:it|this|that|them)|(?:the|this|that|your|my|our) (?:\\w+ ){0,3}?(?:task|work|job|change|changes|fix|feature|implementation|issue|bug|request|ticket|update|refactoring|migration|assignment|objective|goal|requirements?|criteria|steps?|items?|files?|edits?)|all (?:of )?(?:the |these |those |my |your )?(?:\\w+ ){0,3}?(?:tasks?|work|changes|steps|items|parts|fixes|edits|requirements|criteria|subtasks|todos|goals))';
const end =
  '(?=\\s*(?:$|[.,;:!)—–-]|(?:and|as|in|on|with|for|now|again|already|per|here|there|successfully|correctly)\\b))';

/** "Done.", "All done: …", "Finished!" */
const bare =
  /^(?:all |everything )?(?:done|finished|completed?)(?=\s*(?:$|[.,;:!)—–]|-\s)|\s+(?:with|as) (?:the|this|that|your) (?:task|work|change|job|request)|\s+as (?:requested|asked|described))/i;

const forms = [
  new RegExp(`^${subject}${is}${now}\\s+${finished}${end}`, 'i'),
  // "Task complete", "Implementation finished"
  /^(?:the )?(?:task|work|job|implementation|change|fix|migration|refactoring|feature|objective|goal)\s*(?::|[-—–])?\s*(?:done|complete|completed|finished)(?=\s*(?:$|[.,;:!)—–]))/i,
  // "I have finished the task", "I completed all the work"
  /^(?:i|we)(?:'ve| have)?(?: now| just| already| successfully)* (?:completed|finished|done)(?: all(?: of)?)? (?:the|this|that|your|my|our|everything|it)(?: \w+){0,3}?(?=\s*(?:$|[.,;:!)—–]|(?:task|work|job|change|changes|request|implementation|assignment)\b))/i,
  /^(?:i|we)(?:'m| am|'re| are)(?: now| all)* (?:done|finished)(?=\s*(?:$|[.,;:!)—–]|with (?:the|this|that|everything|it|my)\b))/i,
  // "Nothing is left to do", "No further changes are needed", "There is nothing else to do"
  /^(?:there(?:'s| is) )?nothing (?:more |else |further |is |remains |left )*(?:to (?:do|change|fix|add)|left|is left|remains|(?:is )?(?:needed|required|missing|outstanding))\b/i,
  /^(?:there (?:is|are|was|were) )?no (?:further |more |other |additional |code |file )*(?:work|changes?|actions?|steps?|edits?)(?: (?:is|are|was|were|left|remain\w*|to (?:do|make)))*(?: (?:needed|required|necessary|left|outstanding|to (?:do|make)))?(?=\s*(?:$|[.,;:!)—–]))/i,
  /\b(?:was|were|is|are|has been|have been) already (?:\w+ )?(?:done|complete|completed|implemented|fixed|in place|present|up to date|correct|finished|there)\b/i,
  /^ready for (?:your )?review\b/i,
];

/** Returns whether the sentence says that work is left. Such a sentence cancels every claim. */
function leavesWork(sentence: string): boolean {
  return (left.test(sentence) && !nothingLeft.test(sentence)) || saysWorkLeft(sentence);
}

const left =
  /\bnext\s*[:：]|übrig|\b(?:remain(?:s|ing)?|still (?:needs?|to|fails?|failing|missing|open|outstanding|broken|have to|has to|todo)|left to (?:do|be)|to-do|todo(?: list|s?:)|not (?:yet|done|finished|complete[d]?|implemented|working|fixed)|(?:isn't|aren't|wasn't|hasn't been|haven't been|not been) (?:yet )?(?:done|finished|complete[d]?|implemented|fixed|tested)|next (?:step|up|i)\b|yet to|continu(?:e|ing) with|first (?:part|step|half|phase|of)|(?:step|part|phase) (?:\d+|one|two|three) (?:of|is|are)|(?:\d+|one|two|three) (?:of|out of) (?:\d+|two|three|four|five|six|seven|eight|nine|ten)|fail(?:s|ed|ing)?|couldn't|could not|cannot|can't|unable|blocked|noch (?:offen|nicht|zu)|fehlt|reste à|encore à|pas encore|todavía|aún no|falta|queda)\b|还需要|尚未|未完成|剩余|まだ|残り/i;
const nothingLeft =
  /\b(?:nothing|no (?:work|tests?|further|more|other|steps?|tasks?|items?|failures?|errors?)|none|zero|0|never|without)\b|\b(?:rien|nada|nichts|keine?|não há)\b|没有|ありません|없습니다|ничего/i;
