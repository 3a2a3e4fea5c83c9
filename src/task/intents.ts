/** Last words that only announce: what the agent will do, and nothing that it did or found out. */
import { isNone, type Line, sentencesOf } from './prose.ts';

type Said = 'announced' | 'filler' | 'said';

/** In doubt it says something: then a person looks, and nothing is started again by itself. */
export function onlyAnnounces(lines: readonly Line[]): boolean {
  let planned = false;
  const said = lines.flatMap((line, index): readonly Said[] => {
    // Code is what is to be run or written; a quotation or a table says something.
    if (line.kind === 'code') return [];
    if (line.kind === 'other') return ['said'];
    if (isPlanHeading(line)) {
      planned = true;
      return ['filler'];
    }
    if (line.heading) planned = false;
    if (planned && line.item) return [line.ticked || isDone(line.text) || isNone(line.shown) ? 'said' : 'announced'];
    const named = plannedLine.exec(line.shown)?.[1];
    if (named !== undefined) return [isNone(named) || isDone(named) || named.endsWith('?') ? 'said' : 'announced'];
    const last = index === lines.length - 1;
    return clausesOf(line.text).map((clause) => judge(clause, { planned, last }));
  });
  const plansSomething = said.includes('announced') || (said.length > 0 && planned && lines.every((line) => line.kind === 'code' || isPlanHeading(line)));
  return plansSomething && !said.includes('said');
}

/** The first sentence that announces something. */
export function firstIntent(lines: readonly Line[]): string | null {
  for (const line of lines) {
    if (line.kind !== 'prose') continue;
    const [shown, masked] = [sentencesOf(line.shown), sentencesOf(line.text)];
    const at = masked.findIndex((sentence) => isIntent(sentence));
    // Quoted words may hold a full stop; then the sentences differ, and the whole line is given.
    if (at >= 0) return (shown.length === masked.length ? shown[at] : undefined) ?? line.shown;
  }
  return null;
}

const planHeading =
  /^(?:(?:my|the|our|here's|here is|here are|proposed|suggested|recommended|detailed|initial|high-level|step-by-step|implementation|action|current|immediate|remaining)\s+){0,4}(?:plan(?: of (?:action|attack))?|approach|next steps?|next actions?|to-?do(?: list)?|steps|todos|what i(?:'ll| will| am going to) do(?: next)?|what(?:'s| is) next|nächste schritte|vorgehen|plan d'action|prochaines étapes|próximos pasos|siguientes pasos|plan de acción|次のステップ|計画|计划|下一步|后续步骤)\s*(?:is as follows|:|：|$)\s*$/i;

/** "Plan:" alone in its line, or as a heading. */
export function isPlanHeading({ kind, text, heading }: Line): boolean {
  return kind === 'prose' && planHeading.test(text) && (heading || /[:：]$/.test(text.trim()));
}

function clausesOf(text: string): readonly string[] {
  return sentencesOf(text).flatMap((sentence) => sentence.split(/;\s+/));
}

const polite =
  /^(?:ok(?:ay)?|sure(?: thing)?|got it|understood|thanks?(?: you)?(?: for [^.!?]{0,80})?|great|certainly|of course|absolutely|alright|all right|right|perfect|hello(?: there)?|hi(?: there)?|no problem|on it|will do|yes|sounds good|good|verstanden|alles klar|gerne|d'accord|bien sûr|entendu|claro|de acuerdo|entendido|好的?|了解(?:です|しました)?|承知しました|わかりました)[.!,。！，\s]*$/i;
const restates = /^(?:the|this|your) (?:task|goal|request|ticket) (?:is to|asks|wants)\b|^you(?:'ve| have)? asked\b/i;

function judge(clause: string, { planned, last }: { planned: boolean; last: boolean }): Said {
  if (polite.test(clause) || restates.test(clause)) return 'filler';
  if (isIntent(clause)) return isDone(clause) ? 'said' : 'announced';
  // The tool call that was to follow never came.
  if (last && /[:：]$/.test(clause) && clause.length < 120 && !isDone(clause)) return 'announced';
  return planned && startsPlainly.test(clause) && !isDone(clause) ? 'announced' : 'said';
}

/** "Plan: …" or "Next step: …" with what is planned in the same line. */
const plannedLine =
  /^(?:my |the )?(?:plan|next(?: steps?| actions?)?|nächster schritt|prochaine étape|próximo paso|siguiente paso|次のステップ|下一步|计划)\s*[:：]\s*(\S.*)$/i;
const startsPlainly =
  /^(?:first|then|next|after|finally|inspect|check|review|look|investigate|analy[sz]e|open|read|start|begin|implement|fix|test|update|create|add|write|run|refactor|remove)\b/i;

const lead =
  '(?:(?:ok(?:ay)?|sure|right|alright|great|so|well|now|first(?:ly)?|then|next|finally|and|after that|afterwards|lastly|second(?:ly)?|to (?:start|begin)(?: with)?)\\b[,.!:]?\\s*){0,4}';
const because = '(?:(?:to|before|after|once|since|because|given|in order to|for|based on) [^,.]{1,120}, )?';
const not =
  '(?!\\s*(?:know|explain|summari[sz]e|recap|note|mention|clarify|be (?:happy|glad|able)|happily|gladly|wait|stop|leave|pause|not|never|admit|say|point out|emphasi[sz]e|share|stress|hand|defer|need|your|also note)\\b)';
const english = new RegExp(
  `^${lead}${because}(?:${lead})(?:(?:i|we)(?:'ll| will| shall)(?: now| then| first| next| also| start by| begin by)*${not}\\s+\\w|(?:i am|i'm|we are|we're) (?:now )?(?:going to|about to|planning to)${not}\\s+\\w|(?:i|we) (?:now |first |next |then |still )?(?:plan to|intend to|need to|want to|have to|should(?: first| now)?)${not}\\s+\\w|(?:let me|let's|let us)(?: now| first| start by| begin by)*${not}\\s+\\w|(?:my|the|our) (?:next|first) (?:step|action) (?:is|will be)\\s+\\w|i(?:'d| would) (?:start|begin) (?:by|with)\\b)`,
  'i',
);
const others = [
  /^(?:(?:okay|gut|zuerst|dann|als nächstes|nun|jetzt|danach|anschließend),? )?(?:ich werde|werde ich|wir werden|werden wir|lass(?:t)? (?:mich|uns)|lassen sie mich) (?!nicht\b|warten|ihnen gern)/i,
  /^(?:(?:d'abord|ensuite|maintenant|puis|bon),? )?(?:je vais|nous allons|je commencerai|laissez-moi|permettez-moi de) (?!attendre|m'arrêter)/i,
  /^(?:(?:primero|luego|ahora|después|a continuación),? )?(?:voy a|vamos a|déjame|permíteme|empezaré) (?!esperar|parar)/i,
  /^(?:次に|これから|まず|まずは|今から).{1,120}(?:ます|しましょう)[。.]?$/,
  /^(?:好的?，)?(?:接下来|首先|现在|下一步)?，?(?:我(?:将|会|要|先|来)|让我(?:先|来)?)(?!等待)[^了]{1,120}[。.]?$/,
];

function isIntent(sentence: string): boolean {
  return english.test(sentence) || others.some((form) => form.test(sentence));
}

/** Something in it is over, so it is more than an announcement. */
function isDone(text: string): boolean {
  return /^(?:all )?(?:done|finished|complete)\b|^(?!need|proceed|embed|feed|speed|seed|exceed|based|related|proposed)\w{2,}ed\b|\b(?:i|we)(?:'ve| have)\b(?! to\b)|\balready\b|\b(?:is|are|was|were|been) (?:now |already )?(?:done|complete|fixed|green|passing|ready|in place|merged)\b|しました|ました|已经|已完成|完成了/i.test(
    text,
  );
}
