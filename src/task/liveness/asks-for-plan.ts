/** Whether a task asks for words. A plan is then the requested result and not an announcement. */
import type { Task } from '../task.ts';

/**
 * Returns whether the task asks for words. In doubt it is work: "Fix crash in report export" contains the word but asks
 * for no report.
 */
export function isPlanning({ kind, title, description }: Pick<Task, 'kind' | 'title' | 'description'>): boolean {
  if (kind !== 'work') return true;
  const head = title.slice(0, titleLength).trim();
  const body = (description ?? '').slice(0, descriptionLength);
  if (alsoWork.test(head) || alsoWork.test(body)) return false;
  return (
    onlyWords.test(body) ||
    titles.some((form) => form.test(head)) ||
    body.split(/[\n.!?。]/).some((line) => asked.some((form) => form.test(line.trim())))
  );
}

const titleLength = 300;
const descriptionLength = 4_000;

const product =
  '(?:plan|analysis|investigation|proposal|design doc(?:ument)?|write-?up|rfc|roadmap|(?:research|investigation|status|incident) report)s?';
/** What may follow the product. Another noun makes it something to build: a plan page, a proposal form. */
const ends = '(?=\\s*(?:$|[.,:;!?)(—–-]|(?:of|for|on|about|to|that|how|with|which|covering|comparing|before|as)\\b))';
const makes = '(?:create|write|produce|draft|update|revise|prepare|propose|make|develop)';

/** A line that begins with a request for words. */
const asked = [
  new RegExp(
    `^(?:[-*]\\s*)?(?:please\\s+)?${makes}\\s+(?:up\\s+)?(?:an?\\s+|the\\s+|your\\s+)?(?:[\\w-]+\\s+){0,3}?${product}${ends}`,
    'i',
  ),
  /^(?:[-*]\s*)?(?:please\s+)?(?:write|draft|prepare)\s+(?:up\s+)?(?:an?|the)\s+(?:[\w-]+\s+)?(?:report|document|memo)\s+(?:on|about)\b/i,
  /^(?:bitte\s+)?(?:erstellen?|schreiben?|verfassen?|entwerfen?)\s+(?:sie\s+)?(?:einen?|den|die|das|ein)\s+(?:\S+\s+){0,2}?(?:plan|konzept|analyse|vorschlag|bericht)(?=\s*(?:$|[.,:;]|(?:für|zu[rm]?|über|von|der|des)\s))/i,
  /^(?:rédige[rz]?|écri(?:re|s|vez)|prépare[rz]?)\s+(?:une?|le|la)\s+(?:plan|analyse|proposition|rapport)(?=\s*(?:$|[.,:;]|(?:de|des|du|sur|pour)\s))/i,
  /^(?:redactar?|escrib(?:ir|e)|preparar?|elaborar?)\s+(?:una?|el|la)\s+(?:plan|análisis|propuesta|informe)(?=\s*(?:$|[.,:;]|(?:de|del|sobre|para)\s))/i,
  /(?:計画|設計書|調査報告|提案書)を(?:立て|作成|書)/,
  /^(?:请)?(?:制定|撰写|编写|起草).{0,30}(?:计划|方案|报告|分析)(?:$|[,。，])/,
];

/** Titles that begin with the product, or with an unambiguous verb. */
const titles = [
  ...asked,
  new RegExp(`^(?:${product}|planning|research)\\s*:`, 'i'),
  new RegExp(`^(?:${product})\\s+(?:of|for|on|about)\\s`, 'i'),
  /^plan\s+(?:the|an?|our|how|out|for|next)\b/i,
  /^(?:investigate|analy[sz]e|research|evaluate|compare|assess)\s+(?:the|an?|our|how|why|whether|which|what|if|options|alternatives|possible)\b/i,
  /^(?:analysiere|untersuche|plane|evaluiere)\s/i,
  /^(?:analyser|étudier|évaluer|planifier)\s/i,
  /^(?:analizar|investigar|evaluar|planificar)\s/i,
  /調査(?:する|して|$)/,
  /^(?:调研|调查|分析)/,
];

const onlyWords =
  /\b(?:plan(?:ning)?|analysis|research) only\b|\b(?:do not|don['’]t) (?:implement|write any code|change any code)\b/i;

/** "Investigate and fix": the words are only the first step. */
const alsoWork =
  /\b(?:and|then|&)\s+(?:then\s+)?(?:fix|implement|resolve|repair|optimi[sz]e|migrate|refactor|remove|build|ship|deploy|patch|correct|solve|change|apply)\b|\b(?:und|dann)\s+(?:\S+\s+){0,3}?(?:beheb\w*|fixen?|reparier\w*|umsetz\w*|implementier\w*)|\bet\s+(?:corrige|répare|implémente)|\by\s+(?:corregir|arreglar|implementar)|修正|修复|修復|实现|実装/i;
