/** Detects messages that only announce what the agent will do, without anything that it did or found out. */
import { announcesWork } from './languages/all.ts';
import { isNone, type Line, splitSentences } from './parse-message.ts';

type ClauseKind = 'announced' | 'filler' | 'said';

/**
 * Returns whether the message only announces. In doubt it does not: then a person looks, and nothing is started
 * automatically.
 */
export function onlyAnnounces(lines: readonly Line[]): boolean {
  let planned = false;
  const said = lines.flatMap((line, index): readonly ClauseKind[] => {
    // Code is something to be run or written. A quotation or a table is a statement.
    if (line.kind === 'code') return [];
    if (line.kind === 'other') return ['said'];
    if (isPlanHeading(line)) {
      planned = true;
      return ['filler'];
    }
    if (line.heading) planned = false;
    if (planned && line.item)
      return [
        line.ticked || isDone(line.text) || isNone(line.shown) || forOthers.test(line.text) ? 'said' : 'announced',
      ];
    const named = plannedIn(line);
    if (named !== null)
      return [isNone(named) || isDone(named) || named.endsWith('?') || forOthers.test(named) ? 'said' : 'announced'];
    const last = index === lines.length - 1;
    const judged = splitClauses(line.text).map((clause) => judge(clause, { planned, last }));
    // A list below an announcement is part of it.
    if (judged.includes('announced') && !judged.includes('said')) planned = true;
    return judged;
  });
  const plansSomething =
    said.includes('announced') ||
    (said.length > 0 && planned && lines.every((line) => line.kind === 'code' || isPlanHeading(line)));
  return plansSomething && !said.includes('said');
}

/** Returns the first sentence that announces something. */
export function firstIntent(lines: readonly Line[]): string | null {
  for (const line of lines) {
    if (line.kind !== 'prose') continue;
    const [shown, masked] = [splitSentences(line.shown), splitSentences(line.text)];
    const at = masked.findIndex((sentence) => isIntent(sentence));
    // Quoted words may contain a full stop. The sentences then differ, and the whole line is returned.
    if (at >= 0) return (shown.length === masked.length ? shown[at] : undefined) ?? line.shown;
  }
  return null;
}

const planHeading =
  /^(?:(?:my|the|our|here's|here is|here are|proposed|suggested|recommended|detailed|initial|high-level|step-by-step|implementation|action|current|immediate|remaining)\s+){0,4}(?:plan(?: of (?:action|attack))?|approach|next steps?|next actions?|to-?do(?: list)?|todos|how i(?:'ll| will| plan to| am going to|'m going to) (?:approach|do|tackle|fix|handle|solve) (?:this|it|that)|what i(?:'ll| will| am going to) do(?: next)?|what(?:'s| is) next|nächste schritte|vorgehen|plan d'action|prochaines étapes|próximos pasos|siguientes pasos|plan de acción|próximos passos|plano|план|следующие шаги|дальнейшие шаги|次のステップ|次の手順|計画|计划|下一步|后续步骤|계획|다음 단계)\s*(?:is as follows|:|：|$)\s*$/i;

/** Returns whether the line is a heading "Plan:" or a line with only that. */
export function isPlanHeading({ kind, text, heading }: Line): boolean {
  return kind === 'prose' && planHeading.test(text) && (heading || /[:：]$/.test(text.trim()));
}

function splitClauses(text: string): readonly string[] {
  return splitSentences(text).flatMap((sentence) => sentence.split(/;\s+/));
}

const polite =
  /^(?:ok(?:ay)?|sure(?: thing)?|got it|understood|i understand(?: the (?:task|request|issue|problem))?|thanks?(?: you)?(?: for [^.!?]{0,80})?|great|certainly|of course|absolutely|alright|all right|right|perfect|hello(?: there)?|hi(?: there)?|no problem|on it|will do|yes|sounds good|good|verstanden|alles klar|gerne|d'accord|bien sûr|entendu|claro|de acuerdo|entendido|好的?|了解(?:です|しました)?|承知しました|わかりました)[.!,。！，\s]*$/i;
const dangling = /^(?:now|next|then|first|okay|so|and|let|jetzt|nun|zuerst|maintenant|ahora)\b/i;
const restates = /^(?:the|this|your) (?:task|goal|request|ticket) (?:is to|asks|wants)\b|^you(?:'ve| have)? asked\b/i;

function judge(clause: string, { planned, last }: { planned: boolean; last: boolean }): ClauseKind {
  if (polite.test(clause) || restates.test(clause)) return 'filler';
  if (isIntent(clause)) return isDone(clause) ? 'said' : 'announced';
  // The announced tool call never came.
  if (last && /[:：]$/.test(clause) && dangling.test(clause) && clause.length < 120 && !isDone(clause))
    return 'announced';
  return planned && startsPlainly.test(clause) && !isDone(clause) ? 'announced' : 'said';
}

/** "Plan: …" or "Next step: …" with the plan on the same line. */
const plannedLine =
  /^(?:my |the )?(plan|next(?: steps?| actions?)?|nächster schritt|prochaine étape|próximo paso|siguiente paso|próximo passo|следующий шаг|план|次のステップ|下一步|计划|다음 단계|계획)\s*[:：]\s*(\S.*)$/i;
function plannedIn(line: Line): string | null {
  const [, label = '', value = null] = plannedLine.exec(line.shown) ?? [];
  // "Plan: free" names a tariff.
  return value === null ||
    (/^(?:plan|计划)$/i.test(label) && !startsPlainly.test(value) && !isIntent(value) && !/^1[.)]/.test(value))
    ? null
    : value;
}

/** Steps that are left to others. */
const forOthers = /^(?:you\b|your\b|the user|user\b|reviewers?\b|please\b|@|waiting\b|awaiting\b|await\b|wait\b)/i;
const startsPlainly =
  /^(?:first|then|next|after|finally|inspect|check(?! in\\b)|review|look|investigate|analy[sz]e|open|read|start|begin|implement|fix|test|update|create|add|write|run|refactor|remove)\b/i;

const lead =
  '(?:(?:ok(?:ay)?|sure|right|alright|great|so|well|now|first(?:ly)?|then|next|finally|and|after that|afterwards|lastly|second(?:ly)?|to (?:start|begin)(?: with)?)\\b[,.!:]?\\s*){0,4}';
const because = '(?:(?:to|before|after|once|since|because|given|in order to|for|based on) [^,.]{1,120}, )?';
/** Verbs of work. An agent also "will assume", "will answer" and "will be here". */
const work =
  '(?:help|inspect|check|review|look|investigate|analy[sz]e|open|read|start|begin|work|implement|fix|test|update|create|add|write|run|explore|examine|search|find|refactor|rewrite|remove|delete|replace|build|set up|install|configure|debug|reproduce|take (?:a|another) (?:\\w+ )?look|get (?:started|an overview)|dig|go (?:through|over|ahead)|proceed|continue|try|verify|apply|make(?! (?:no|clear|it|you)\\b)|change|edit|modify|patch|move|rename|split|extract|migrate|convert|draft|design|plan|study|trace|scan|gather|collect|understand|figure out|determine|identify|tackle|handle|resolve|finish|complete|ensure|generate|commit|push|deploy|clean|compare|harden|do (?:this|that|it|so)\\b|see (?:how|what|where|why|which|whether)|bisect|profile|measure|re-?run|validate|adjust|extend|introduce|wire|enable|disable|step)\\b(?!\\s+(?:you(?! fix| with)|nothing|no|(?:by|with) (?:saying|noting|mentioning|thanking|the conclusion))\\b)';
const soon = '(?:\\s+(?:now|then|first|next|also|just|quickly|\\w+ly|start by|begin by|like to|try to|and))*';
const english = new RegExp(
  `^${lead}${because}${lead}(?:(?:i|we)(?:(?:'ll| will)(?: need to| have to)?| shall| plan to| intend to| need to| want to| should (?:first|now|next|start))|i'd like to|(?:(?:i am|i'm|we are|we're) (?:now )?(?:going to|about to|planning to))|let me|let's|let us|(?:my|the|our) (?:next|first) (?:step|action) (?:is|will be)(?: to)?|i(?:'d| would) (?:start|begin) (?:by|with))${soon}\\s+(?:${work}|(?!saying|noting|mentioning|thanking|explaining|summari|being)\\w+ing\\b)`,
  'i',
);
/** Phrases of an agent that waits for approval before it begins. Nothing is then started automatically. */
const onLeave =
  /\b(?:if|once|as soon as|after|unless|until|when|before|with|pending|wenn|falls|sobald|nachdem|si|cuando|quand|dès que)\b.{0,40}\b(?:you|your|sie|ihre?[rmn]?|du|deine?|vous|votre|tu|usted|ustedes|estás?|approv\w*)(?![\p{L}\p{N}])|(?:确认|同意|批准)后|如果|もし|承認|よければ|(?<!\p{L})(?:если|после ваш\p{L}+|se (?:você|quiser)|quando você)(?!\p{L})|원하시면|승인하시면|괜찮으시면/iu;

function isIntent(sentence: string): boolean {
  if (onLeave.test(sentence)) return false;
  // The text after a colon may be the answer itself.
  return (english.test(sentence) && !/:\s+\S/.test(sentence)) || announcesWork(sentence);
}

/** Returns whether the text mentions something finished. It is then more than an announcement. */
function isDone(text: string): boolean {
  return /^(?:all )?(?:done|finished|complete)\b|^(?!need|proceed|embed|feed|speed|seed|exceed|based|related|proposed)\w{2,}ed\b|\b(?:i|we)(?:'ve| have)\b(?! to\b)|\balready\b|\b(?:is|are|was|were|been) (?:now |already )?(?:done|complete|fixed|green|passing|ready|in place|merged)\b|しました|ました|已经|已完成|完成了|했습니다|되었습니다/i.test(
    text,
  );
}
