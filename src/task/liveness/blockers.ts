/**
 * Detects a clear blocker in an agent's last message: it cannot continue now without something that only a person can
 * give. A wrong "blocked" stops a task that could continue. Conditions, past events, narration and test runs therefore
 * do not count.
 */
import { asks, declarations } from './blocker-patterns.ts';
import { claimsDone } from './claims-done.ts';
import { asksForDecision, declaresBlocker, requestsOfPerson } from './languages/all.ts';
import { type Line, splitSentences } from './parse-message.ts';

/** Returns the sentence that declares a blocker, or null. */
export function blockerIn(lines: readonly Line[]): string | null {
  const prose = lines.filter(({ kind }) => kind === 'prose');
  for (const [index, line] of prose.entries()) {
    if (isExample(prose, index)) continue;
    const found = labelled(prose, index) ?? splitSentences(line.text).find((sentence) => declares(sentence)) ?? null;
    if (found === null || found === '') continue;
    const at = line.text.indexOf(found);
    const rest = [at < 0 ? '' : line.text.slice(at + found.length), ...prose.slice(index + 1).map(({ text }) => text)];
    if (!rest.some((later) => overcome.test(later))) return at < 0 ? found : line.shown;
  }
  return claimsDone(lines) ? null : askedOfPerson(prose);
}

/** The sentences at the end of a message in which a request counts, and those in which a question does. */
const requestedIn = 3;
const askedIn = 2;

/**
 * Returns the request or the question at the end of the message that only a person can answer. After finished work it
 * would be an offer, so the caller makes sure that nothing was claimed.
 */
function askedOfPerson(prose: readonly Line[]): string | null {
  const ends = prose.findLastIndex(({ item }) => !item);
  const sentences = prose
    .slice(Math.max(0, ends - requestedIn), ends + 1)
    .flatMap((line, index, near) =>
      isExample(near, index) || line.item ? [] : splitSentences(line.text).map((sentence) => ({ sentence, line })),
    );
  const last = sentences.slice(-requestedIn);
  for (const [index, { sentence, line }] of last.entries()) {
    const after = last.slice(index + 1).map((each) => each.sentence);
    if (after.some((each) => answers.test(each) || overcome.test(each))) continue;
    const around = last.slice(Math.max(0, index - 1), index + 2).map((each) => each.sentence);
    if (requestsOfPerson(sentence, around)) return line.shown;
    if (after.length < askedIn && asksForDecision(sentence)) return line.shown;
  }
  return null;
}

/** Beginnings of an answer that the agent gives itself, or of what it did without one. */
const answers =
  /^(?:yes|no|ja|nein|oui|non|sí|sim|não|да|нет)(?!\p{L})|^(?:i|we)(?:'d|'ll| would| will)\b|\b(?:says?|yes|no)[.!]?$|\b(?:spec|specification) says\b|^(?:laut|selon|según|segundo|根据|按照)|^по \p{L}+|^(?:i|we)(?:'ve| have)? (?:used|chose|took|went|kept|assumed|decided|left|did)\b|^ich habe |^j'ai |^(?:he|usé|elegí|usei|escolhi)(?!\p{L})|^я (?:взял|использовал|оставил|выбрал)|^(?:是的|否|不是|我(?:用|选|已|按))|^(?:はい|いいえ)|ました[。.]?$|^(?:네|아니요)/iu;

/** Returns whether the line is an example below an unrelated heading: "Test names:", "Error messages:", "States:". */
function isExample(lines: readonly Line[], index: number): boolean {
  const before = lines.slice(0, index);
  const above = lines[index]?.item ? before.findLast(({ item }) => !item) : before.at(-1);
  if (above === undefined || !/[:：]$/.test(above.text)) return false;
  return !/status|block|open|remain|outstanding|summary|issue|problem|need|done|progress|to-?do|result|wait/i.test(
    above.text,
  );
}

/** Phrases after a blocker that say it no longer exists. */
const overcome =
  /\b(?:fixed|resolved|solved|sorted|cleared|unblocked|worked around|got past|got around) (?:it|that|this|them|the (?:blocker|problem|block|permissions?|access))\b|\b(?:no longer|not|isn't|wasn't) (?:a )?(?:block(?:ed|er|ing)|needed|necessary)\b|\bunblocked\b|\b(?:has|have) (?:since |now )?been (?:granted|resolved|lifted|provided|unblocked)\b|\b(?:was|were) (?:then |later |finally )?(?:granted|lifted|provided)\b|\bworks now\b|\balready (?:merged|done|approved|granted|in place)\b|\b(?:found|used) (?:a|another) (?:workaround|way)\b|^(?:update|edit|resolved|fixed)\b\s*[:!.]|\b(?:i|we) (?:then |later |eventually |finally )?(?:found|got|received) (?:it|them|the (?:key|token|credentials?|password|access|approval))\b/i;

const label =
  /^(?:(?:task |current |overall )?status\s*[:=]\s*)?(?:(?:current |open |remaining |hard )?blockers?|blocked(?: on| by)?|blockiert|blockade|bloqué|bloqueado|bloqueo|阻塞|ブロッカー)\s*(?:[:：]|\s[-—–]\s)\s*(.*)$/i;
const bare =
  /^(?:(?:task |current |overall )?status\s*[:=]\s*blocked(?=$|[.!,;:]|\s[-—–]).*|(?:current |open |remaining |hard )?blockers?:?)$/i;

/** Returns the text of a labelled blocker: "Blocked: …", or a heading "Blockers" and the line below it. */
function labelled(lines: readonly Line[], index: number): string | null {
  const line = lines[index];
  if (line === undefined) return null;
  if (/status/i.test(line.text) && bare.test(line.text)) return line.text;
  const value = label.exec(line.text)?.[1];
  const isLabel = value !== undefined || (bare.test(line.text) && (line.heading || line.text.endsWith(':')));
  if (!isLabel) return null;
  const said = value ? value : (lines[index + 1]?.text ?? '');
  return none.test(said) ||
    dismissed.test(said) ||
    (/^(?:waiting|pending|on|by|for|until)\b/i.test(said) && isOwnWork(said)) ||
    said.endsWith('?') ||
    !outside.test(said) ||
    !wanting.test(said)
    ? null
    : said;
}

const none =
  /^(?:$|CODE|QUOTE|none|no\b|nothing|n\/?a\b|nil|not\b|nope|zero|false|keine?\b|nichts|aucun|rien|ningun[oa]?|nada|なし|无|沒有|没有|resolved|fixed|cleared|all clear|[-—–\d])/i;
const dismissed =
  /\b(?:fixed|resolved|solved|worked around|unblocked|if|potential|possible|possibly|might|may|could|would|none|no longer|previously|earlier)\b/i;

/** Needs from outside. A review finding may be called a blocker, too, so a label alone is not enough. */
const outside =
  /\b(?:approv\w*|access|credentials?|keys?|tokens?|permissions?|passwords?|login|licen[cs]e|certificate|secrets?|sign-?off|clarification|decision|you|your|network|vpn|account|quota|billing|admin\w*|owner|maintainer|ops|dba|legal|security|freigabe|zugangsdaten|zugriff|identifiants|accès|credenciales|acceso)\b|凭据|权限|批准|承認|権限/i;
const wanting =
  /\b(?:needs?|waiting|awaiting|pending|requires?|missing|no (?:access|permission|write|read|push|network|credentials?)|lack\w*|forbids?|forbidden|denied|refused|i (?:cannot|can't)|until|expired|not (?:granted|available|set|allowed)|fehl\w*|brauche|benötig\w*|manqu\w*|besoin|falta\w*|necesit\w*)\b|缺少|需要|必要/i;

/** Returns whether the agent waits for work of its own. */
function isOwnWork(object: string): boolean {
  return /^(?:(?:for|on|by|until|waiting|pending|the|a|an|my|all|our|some|this|that|full|long|failing|background|npm|pnpm|e2e|unit|integration)\s+)*(?:tests?|test suite|suite|builds?|ci|pipeline|install\w*|compil\w*|command|process|server|download|jobs?|lint\w*|type-?check|migration|script|benchmark|sub-?agents?|lock|cache|promise|event|dev server|container|image|model|docker)\b/i.test(
    object,
  );
}

const conditional =
  /\b(?:if|unless|when|whenever|in case|suppose|assuming|should|once|as long as|says?|said|asks?|asked|claims?|reads|prints?|printed|logs?|logged|shows?|displays?|example|e\.g|such as|previously|earlier|initially|originally|at first|yesterday|where|that|like)\b/i;
const unreal =
  /\b(?:does not|doesn't) (?:affect|matter|block)\b|\b(?:would|hypothetically|might|could|no longer|anymore|any more|any longer|previously|earlier today)\b/i;
const settled =
  /\b(?:but|however|then|and|until|;)\s*(?:i|we|it|that)?\s*(?:'ve|have|has|then|eventually|later|now|was|were|got)?\s*(?:fixed|resolved|solved|unblocked|worked around|found|managed|used|switched|added it|bypassed|skipped|mocked|granted)\b|[,;]\s*(?:fixed|resolved|added|now resolved)\b|\bif\b|\balready (?:have|had|got|been)\b|\b(?:was|were|has been|have been)\s+(?:\w+ )?(?:granted|given|received|provided|approved|obtained|resolved)\b/i;
const didInstead =
  /\b(?:so|therefore|thus|hence|instead)\s+(?:i|we)(?:'ve| have)?\s+(?!can't|cannot|can not|can\b|could|need|am\b|are\b|will|stop|paus|wait|did not|didn't|left it)/i;

function declares(sentence: string): boolean {
  if (asks.test(sentence)) return true;
  if (/[?？]$/.test(sentence)) {
    // "I need a decision from you: should it stay?" The first part says it.
    const head = /^[^:：?？]{1,120}(?=[:：](?:\s|[^\p{ASCII}]))/u.exec(sentence)?.[0];
    return head !== undefined && declares(head);
  }
  if (unreal.test(sentence)) return false;
  if (declaresBlocker(sentence)) return true;
  return declarations.some((form) => {
    const match = form.exec(sentence);
    if (match === null) return false;
    const [before, after] = [sentence.slice(0, match.index), sentence.slice(match.index + match[0].length)];
    if (
      !beginsClause.test(before) ||
      conditional.test(before) ||
      /^as an? /i.test(before) ||
      /\b(?:nobody|no one|nothing)\b/i.test(after)
    )
      return false;
    if (/\b(?:blocked|waiting)/i.test(match[0]) && isOwnWork(after.trim())) return false;
    return !settled.test(after) && !didInstead.test(after) && !/\bwhen\b/i.test(after);
  });
}

/** The beginning of a clause. Its subject is then the speaker and not a part of another phrase. */
const beginsClause =
  /^(?:(?:status|note|problem|issue|update|result|summary|important|warning|blocked|unfortunately|remaining|open|conclusion|outcome)\s*:\s*)$|^(?:in order to|to|before|for) [^,.;:]{1,80}\s$|(?:^|[,;—–(]\s*|\b(?:and|but|so|however|therefore|because|since|as|thus|unfortunately|currently|now|still|stopped)\s+)$/i;
