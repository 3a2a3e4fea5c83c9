/**
 * A clear blocker in the last words of an agent: it cannot go on, now, without something that only a
 * person can give. A wrong "blocked" stops a task that could go on, so whatever sounds like a condition,
 * the past, a story or a test run is none.
 */
import { type Line, sentencesOf } from './prose.ts';

/** The sentence that declares it; null when none does. */
export function blockerIn(lines: readonly Line[]): string | null {
  const prose = lines.filter(({ kind }) => kind === 'prose');
  for (const [index, line] of prose.entries()) {
    const found = labelled(prose, index) ?? sentencesOf(line.text).find((sentence) => declares(sentence)) ?? null;
    if (found === null || found === '') continue;
    const at = line.text.indexOf(found);
    const rest = [at < 0 ? '' : line.text.slice(at + found.length), ...prose.slice(index + 1).map(({ text }) => text)];
    if (!rest.some((later) => overcome.test(later))) return at < 0 ? found : line.shown;
  }
  return null;
}

/** Said after it: what stood in the way does so no more. */
const overcome =
  /\b(?:fixed|resolved|solved|sorted|cleared|unblocked|worked around|got past|got around) (?:it|that|this|them|the (?:blocker|problem|block|permissions?|access))\b|\b(?:no longer|not|isn't|wasn't) (?:a )?(?:block(?:ed|er|ing)|needed|necessary)\b|\bunblocked\b|\b(?:has|have) (?:since |now )?been (?:granted|resolved|lifted|provided|unblocked)\b|\b(?:was|were) (?:then |later |finally )?(?:granted|lifted|provided)\b|\bworks now\b|\b(?:found|used) (?:a|another) (?:workaround|way)\b|^(?:update|edit|resolved|fixed)\b\s*[:!.]|\b(?:i|we) (?:then |later |eventually |finally )?(?:found|got|received) (?:it|them|the (?:key|token|credentials?|password|access|approval))\b/i;

const label =
  /^(?:(?:task |current |overall )?status\s*[:=]\s*)?(?:(?:current |open |remaining |hard )?blockers?|blocked(?: on| by)?|blocking (?:issue|question)|blockiert|blockade|bloqué|bloqueado|bloqueo|阻塞|ブロッカー)\s*(?:[:：]|\s[-—–]\s)\s*(.*)$/i;
const bare = /^(?:(?:task |current |overall )?status\s*[:=]\s*blocked(?=$|[.!,;:]|\s[-—–]).*|(?:current |open |remaining |hard )?blockers?:?)$/i;

/** "Blocked: …", or a heading "Blockers" and the line below it. */
function labelled(lines: readonly Line[], index: number): string | null {
  const line = lines[index];
  if (line === undefined) return null;
  if (/status/i.test(line.text) && bare.test(line.text)) return line.text;
  const value = label.exec(line.text)?.[1];
  const isLabel = value !== undefined || (bare.test(line.text) && (line.heading || line.text.endsWith(':')));
  if (!isLabel) return null;
  const said = value ? value : (lines[index + 1]?.text ?? '');
  return none.test(said) || dismissed.test(said) || isOwnWork(said) || said.endsWith('?') ? null : said;
}

const none =
  /^(?:$|none|no\b|nothing|n\/?a\b|nil|not\b|nope|zero|false|keine?\b|nichts|aucun|rien|ningun[oa]?|nada|なし|无|沒有|没有|resolved|fixed|cleared|all clear|[-—–\d])/i;
const dismissed =
  /\b(?:fixed|resolved|solved|worked around|unblocked|if|potential|possible|possibly|might|may|could|would|none|no longer|previously|earlier|CODE|QUOTE)\b/i;

/** What an agent waits for by itself. */
function isOwnWork(object: string): boolean {
  return /^(?:(?:for|on|by|until|waiting|pending|the|a|an|my|all|our|some|this|that|full|long|failing|background|npm|pnpm|e2e|unit|integration)\s+)*(?:tests?|test suite|suite|builds?|ci|pipeline|install\w*|compil\w*|command|process|server|download|jobs?|lint\w*|type-?check|migration|script|benchmark|sub-?agents?|lock|cache|promise|event|dev server|container|image|model|docker)\b/i.test(
    object,
  );
}

const often =
  '(?:(?:currently|still|now|also|completely|fully|therefore|really|simply|just|again|temporarily|first|only|hard|stuck and|unfortunately)\\s+){0,3}';
const stop = '\\s*(?:$|[.,;:!)—–]|(?:to(?! be\\b)|for|from|before|in order|so|on|and|or|first|until|here|now|because|that|whether|about)\\b)';
const person =
  '(?:you|the user|the owner|the (?:\\w+ )?team|the (?:repo(?:sitory)? )?(?:owner|maintainers?|admins?)|an? (?:admin|administrator|maintainer|human|person|owner)|someone|a human|ops|security|legal)';
const goOn =
  '(?:proceed|continue|go on|go (?:any )?further|move (?:on|forward)|make (?:any )?(?:further |more )?progress|(?:complete|finish|start|do) (?:this|it|(?:the|my|this|that|any) (?:\\w+ )?(?:task|work|issue|request|ticket|assignment))|do anything|do (?:any )?more)';
const iCannot = `(?:(?:i|we)\\s+${often}(?:can't|cannot|can not|am unable to|am not able to|are unable to)|(?:i'm|we're)\\s+${often}(?:unable|not able) to)\\s+${often}`;
const qualified =
  '(?:(?:an?|the|your|some|valid|more|further|additional|explicit|human|manual|written|final|formal|working|aws|github|npm|database|production|staging|admin|openai|anthropic|stripe|registry|deploy|user)\\s+){0,4}';
const strong = `(?:approval|sign-?off|go-ahead|credentials?|api keys?|(?:personal )?access tokens?|clarification|your (?:input|decision|answer|help|guidance|choice|confirmation|permission|authori[sz]ation|password)|(?:input|decisions?|answers?|feedback|guidance|confirmation|permission|help) from ${person})`;
const weak = '(?:access|permissions?|tokens?|secrets?|passwords?|passphrase|login|licen[cs]e|authori[sz]ation|confirmation|(?:\\w+ )?key)';
const purpose = `\\s*(?:to (?:proceed|continue|go on|finish|complete|push|deploy|publish|log in|authenticate|connect)|before (?:i|we|continuing|proceeding|going)|from ${person}|so (?:that )?(?:i|we) can|in order to)\\b`;
const outside =
  "\\s+(?:to|for|on) (?:the |your |this |a |an |our )?(?:[\\w'-]+ ){0,3}?(?:prod\\w*|databases?|db|repo\\w*|servers?|accounts?|registry|vault|bucket|cluster|dashboard|aws|gcp|azure|github|gitlab|jira|vpn|staging|services?|organi[sz]ation|network|internet|console|website)\\b";

const declarations = [
  `(?:i am|i'm|we are|we're|i remain|(?:this|the) (?:task|work|ticket)(?: is| remains)|work is|progress is|the rest is)\\s+${often}blocked(?=\\s*(?:$|[.,;:!—–]|(?:on|by|until|because|pending|waiting|here|without|at this point|from (?:proceeding|continuing|going))\\b))`,
  `${iCannot}${goOn}\\b(?!\\s+(?:using|via|this way|like this|down|by)\\b)`,
  `^(?:(?:still )?blocked (?:on|by|until|pending)|(?:cannot|can't|unable to) ${goOn}(?=\\s*(?:$|[.,;:!—–]|(?:until|without|because|unless|as|since|due)\\b)))`,
  `(?:(?:i|we)\\s+${often}(?:need|require)|^(?:still )?needs?)\\s+${qualified}${strong}(?=${stop})`,
  `(?:i|we)\\s+${often}(?:need|require)\\s+${qualified}${weak}(?:${purpose}|${outside})`,
  `(?:i am|i'm|we are|we're|^(?:still |now |currently )?)\\s*${often}(?:waiting (?:on|for)|awaiting)\\s+(?:${qualified}(?:approval|credentials?|clarification|sign-?off|go-ahead|(?:your|a) decision|api keys?)(?=${stop})|your (?!tests?|builds?|ci|review|feedback|process|command|server)\\w+|${person} to (?:provide|confirm|approve|decide|answer|grant|share|supply|choose|reply|respond|unlock|merge))`,
  `${iCannot}${goOn}\\s+(?:[\\w'-]+ ){0,4}?(?:without|until|unless)\\b`,
  `(?:i|we)\\s+${often}(?:don't have|do not have|lack|am missing)\\s+[^.!?]{0,80}(?:so|and|therefore|thus)\\s+(?:i |we )?(?:can't|cannot|am unable to)\\s+${goOn}`,
  `there(?:'s| is) nothing (?:more|else|further) (?:i|we) can do (?:until|without|unless|before)`,
].map((source) => new RegExp(source, 'i'));

const asks =
  /^(?:please|could you|can you)\s+(?:please\s+)?(?:provide|grant|give|share|supply|send|approve|authori[sz]e)\b[^.!?]{0,160}?\b(?:so (?:that )?(?:i|we) can|before (?:i|we) can|to let (?:me|us)|and (?:i|we)(?:'ll| will| can) (?:then )?(?:proceed|continue|go on|resume|finish)|(?:in order )?to (?:proceed|continue|unblock))\b/i;

/** In other languages only the plainest words, and none beside a "but" or an "if". */
const elsewhere = [
  /(?:^|[,;:] ?)(?:ich bin|wir sind|die aufgabe ist|die arbeit ist) (?:(?:derzeit|aktuell|momentan|weiterhin|noch|leider|hier|nun|jetzt) )*blockiert(?=[ .,:!]|$)/i,
  /(?:^|[,;:] ?)(?:leider )?(?:ich kann|kann ich|wir können|können wir) (?:(?:leider|so|derzeit|hier|ohne \S+ \S+) )*nicht (?:weitermachen|fortfahren|weiterarbeiten)/i,
  /(?:^|[,;:] ?)(?:ich (?:brauche|benötige)|(?:brauche|benötige) ich) (?:(?:noch|dringend|zuerst|ihre|deine|eure|die|eine|gültige) ){0,3}(?:freigabe|genehmigung|zugangsdaten|zustimmung)(?=[ .,:!]|$)/i,
  /(?:^|[,;:] ?)(?:ich )?warte (?:noch )?auf (?:ihre|deine|eure|die) (?:freigabe|genehmigung|zugangsdaten|zustimmung|entscheidung)(?=[ .,:!]|$)/i,
  /(?:^|[,;:] ?)je (?:suis (?:actuellement |toujours )?bloquée?|ne peux pas (?:continuer|poursuivre|avancer))(?=[ .,:!]|$)/i,
  /(?:^|[,;:] ?)j'ai besoin (?:de |d')(?:votre |vos |ton |tes |l'|une )?(?:approbation|autorisation|identifiants|accord)(?=[ .,:!]|$)/i,
  /(?:^|[,;:] ?)(?:estoy (?:actualmente )?bloquead[oa]|no puedo (?:continuar|seguir|avanzar))(?=[ .,:!]|$)/i,
  /(?:^|[,;:] ?)necesito (?:tu |su |la |las |una )?(?:aprobación|autorización|credenciales)(?=[ .,:!]|$)/i,
  /^(?:目前|现在)?我?(?:被阻塞|无法继续)(?:[，,。:：]|$)/,
  /(?:承認|認証情報|アクセス権)が必要です/,
];
const notElsewhere =
  /(?:^|[ ,])(?:aber|wenn|falls|sobald|sonst|mehr|mais|sauf|quand|plus|pero|cuando|ya|si|hat gesagt|sagt|dit|dice)(?=[ ,]|$)|如果|若|もし|場合|たら|しました|但|不再|已/i;

const conditional =
  /\b(?:if|unless|when|whenever|in case|suppose|assuming|should|once|as long as|says?|said|asks?|asked|claims?|reads|prints?|printed|logs?|logged|shows?|displays?|example|e\.g|such as|previously|earlier|initially|originally|at first|yesterday|where|that|like)\b/i;
const unreal = /\b(?:would|hypothetically|might|could|no longer|anymore|any more|any longer|previously|earlier today)\b/i;
const settled =
  /\b(?:but|however|then|and|until|;)\s*(?:i|we|it|that)?\s*(?:'ve|have|has|then|eventually|later|now|was|were|got)?\s*(?:fixed|resolved|solved|unblocked|worked around|found|managed|used|switched|added it|bypassed|skipped|mocked|granted)\b|[,;]\s*(?:fixed|resolved|added|now resolved)\b|\bif\b|\balready (?:have|had|got|been)\b|\b(?:was|were|has been|have been)\s+(?:\w+ )?(?:granted|given|received|provided|approved|obtained|resolved)\b/i;
const didInstead =
  /\b(?:so|therefore|thus|hence|instead)\s+(?:i|we)(?:'ve| have)?\s+(?!can't|cannot|can not|can\b|could|need|am\b|are\b|will|stop|paus|wait|did not|didn't|left it)/i;

function declares(sentence: string): boolean {
  if (asks.test(sentence)) return true;
  if (sentence.endsWith('?') || unreal.test(sentence)) return false;
  if (!notElsewhere.test(sentence) && elsewhere.some((form) => form.test(sentence))) return true;
  return declarations.some((form) => {
    const match = form.exec(sentence);
    if (match === null) return false;
    const [before, after] = [sentence.slice(0, match.index), sentence.slice(match.index + match[0].length)];
    if (!beginsClause.test(before) || conditional.test(before)) return false;
    if (/\b(?:blocked|waiting)/i.test(match[0]) && isOwnWork(after.trim())) return false;
    return !settled.test(after) && !didInstead.test(after) && !/\bwhen\b/i.test(after);
  });
}

/** A clause begins here, so its subject is who speaks and not a part of something else. */
const beginsClause = /(?:^|[,;:—–(]\s*|\b(?:and|but|so|however|therefore|because|since|as|thus|unfortunately|currently|now|still|stopped)\s+)$/i;
