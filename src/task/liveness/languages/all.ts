/** All languages whose phrases the verdict knows, and what a sentence means in any of them. */
import { chinese } from './chinese.ts';
import { english } from './english.ts';
import { french } from './french.ts';
import { german } from './german.ts';
import { japanese } from './japanese.ts';
import { korean } from './korean.ts';
import { type Language, parsePhrases, sentenceLength } from './language.ts';
import { portuguese } from './portuguese.ts';
import { russian } from './russian.ts';
import { spanish } from './spanish.ts';

const inEnglish = [english].map(parsePhrases);
const inLatin = [german, french, spanish, portuguese, english].map(parsePhrases);
const inCyrillic = [russian].map(parsePhrases);
const inKana = [japanese].map(parsePhrases);
const inHangul = [korean].map(parsePhrases);
const inHan = [chinese].map(parsePhrases);

/** Words that no other of the languages with Latin letters has. */
const englishOnly = /\b(?:the|to|of|and|it|is|was|with|you)\b/i;

/**
 * Returns the languages that a sentence may be in. A sentence with kana is Japanese, whatever other characters it has.
 */
function languagesOf(sentence: string): readonly Language[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything beyond ASCII
  if (!/[^\u0000-\u007f]/.test(sentence)) return englishOnly.test(sentence) ? inEnglish : inLatin;
  if (/[\u3040-\u30ff]/.test(sentence)) return inKana;
  if (/[\u1100-\u11ff\uac00-\ud7af]/.test(sentence)) return inHangul;
  if (/[\u3400-\u9fff]/.test(sentence)) return inHan;
  return /[\u0400-\u04ff]/.test(sentence) ? inCyrillic : inLatin;
}

/** Returns whether the sentence declares that the agent cannot go on without a person. */
export function declaresBlocker(sentence: string): boolean {
  const text = sentence.slice(0, sentenceLength);
  return languagesOf(text).some(({ blocked, unless, overcome }) => {
    const found = blocked.exec(text);
    return found !== null && !unless.test(text) && !overcome.test(text.slice(found.index + found[0].length));
  });
}

/** Returns whether a sentence asks a person for what only a person can give. `around`: it and the sentences near it. */
export function requestsOfPerson(sentence: string, around: readonly string[]): boolean {
  const text = sentence.slice(0, sentenceLength);
  const near = around.map((each) => each.slice(0, sentenceLength));
  return languagesOf(text).some(
    ({ gives, purposes, decides, things, unless }) =>
      !unless.test(text) &&
      (decides.test(text) ||
        (gives.test(text) && near.some((each) => things.test(each)) && near.some((each) => purposes.test(each)))),
  );
}

/** Returns whether the sentence is a question that only a person can decide, and no offer of more work. */
export function asksForDecision(sentence: string): boolean {
  const text = sentence.slice(0, sentenceLength);
  return (
    /(?:[?？]|か[。.]?|吗[。.]?)$/.test(text) &&
    !restorable.test(text) &&
    languagesOf(text).some(
      ({ questions, offers, unless }) => questions.test(text) && !offers.test(text) && !unless.test(text),
    )
  );
}

/** What git keeps. To remove it is a proposal like any other. */
const restorable =
  /(?<!\p{L})(?:(?<!(?:la|une) )files?|functions?|imports?|class(?:es)?|methods?|comments?|tests?|code|datei(?:en)?|funktion(?:en)?|importe?|klassen?|methoden?|kommentare?|fichiers?|fonctions?|archivos?|funci(?:ón|ones)|arquivos?|funç(?:ão|ões)|файл\p{L}*|функци\p{L}+|импорт\p{L}*|тест\p{L}*)(?!\p{L})|文件|函数|代码|ファイル|関数|コード|파일|함수|코드/iu;

/** Returns whether the sentence announces work. */
export function announcesWork(sentence: string): boolean {
  const text = sentence.slice(0, sentenceLength);
  return languagesOf(text).some(({ announces }) => announces.test(text));
}

/** Returns whether the sentence says that the work is done. */
export function claimsWorkDone(sentence: string): boolean {
  const text = sentence.slice(0, sentenceLength);
  return languagesOf(text).some(({ claims, left }) => claims.test(text) && (!left.test(text) || nothing.test(text)));
}

/** Returns whether the sentence says that work is left. */
export function saysWorkLeft(sentence: string): boolean {
  const text = sentence.slice(0, sentenceLength);
  return languagesOf(text).some(({ left }) => left.test(text)) && !nothing.test(text);
}

/** "Nothing is left", "no test fails". */
const nothing =
  /(?<!\p{L})(?:nichts|keine?[rsnm]?|rien|aucune?|nada|ning[uú]n[oa]?|nenhuma?|ничего|нет)(?!\p{L})|没有|ありません|없습니다|없음/iu;
