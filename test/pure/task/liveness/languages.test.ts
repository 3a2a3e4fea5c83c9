import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgedSpoken, kindOf, type Recorded, spokenTable } from '../../../support/spoken.ts';
import { chinese } from './languages/chinese.ts';
import { english } from './languages/english.ts';
import { french } from './languages/french.ts';
import { german } from './languages/german.ts';
import { japanese } from './languages/japanese.ts';
import { korean } from './languages/korean.ts';
import { portuguese } from './languages/portuguese.ts';
import { russian } from './languages/russian.ts';
import { spanish } from './languages/spanish.ts';

const languages = {
  ...{ English: english, German: german, French: french, Spanish: spanish, Portuguese: portuguese },
  ...{ Russian: russian, Chinese: chinese, Japanese: japanese, Korean: korean },
};

/** Measured when the messages were written. They do not change. */
const recorded: Readonly<Record<string, Recorded>> = {
  English: { before: 35, tried: 24 },
  German: { before: 34, tried: 21 },
  French: { before: 34, tried: 23 },
  Spanish: { before: 35, tried: 25 },
  Portuguese: { before: 24, tried: 24 },
  Russian: { before: 24, tried: 23 },
  Chinese: { before: 37, tried: 21 },
  Japanese: { before: 35, tried: 24 },
  Korean: { before: 24, tried: 24 },
};

const path = join(import.meta.dirname, '../../../../docs/LIVENESS.md');
const between =
  /(?<=<!-- languages: written by test\/pure\/task\/liveness\/languages\.test\.ts -->\n\n).*?(?=\n\n<!-- \/languages -->)/s;

describe.each(Object.entries(languages))('a last message in %s', (_, sets) => {
  it('is taken for what it is', () => {
    expect(judgedSpoken(sets).filter(({ expected, got }) => expected !== got)).toEqual([]);
  });

  it('is the same in another Unicode form', () => {
    const told = judgedSpoken(sets);
    const other = (form: 'NFD' | 'NFKD') => told.filter(({ text, got }) => kindOf(text.normalize(form)) !== got);
    expect(other('NFD')).toEqual([]);
  });
});

describe('full-width letters and half-width kana', () => {
  it.each([
    ['ＡＰＩキーがないので、連携をテストできません。', 'blocked'],
    ['Ｉ ａｍ ｂｌｏｃｋｅｄ ｕｎｔｉｌ ｔｈｅ ｏｗｎｅｒ ａｐｐｒｏｖｅｓ．', 'blocked'],
    ['ﾄｰｸﾝがないため、ﾃﾞﾌﾟﾛｲできません。', 'blocked'],
  ] as const)('are read as usual ones: %s', (text, kind) => {
    expect(kindOf(text)).toBe(kind);
  });
});

describe('a question at the end of a message', () => {
  it.each([
    'I moved the helpers. Should I delete the old file?',
    'Die Helfer sind verschoben. Soll ich die alte Datei löschen?',
    '我移动了辅助函数。要删除旧文件吗？',
    'ヘルパーを移しました。古いファイルを削除しましょうか？',
  ])('about what git keeps blocks nothing: %s', (text) => {
    expect(kindOf(text)).not.toBe('blocked');
  });

  it.each([
    'Do you prefer the queue or the lock? I have used the queue.',
    'Welche Variante möchtest du? Ich habe die erste genommen.',
    'どちらがよいですか？キューにしました。',
  ])('that the agent answers itself blocks nothing: %s', (text) => {
    expect(kindOf(text)).not.toBe('blocked');
  });
});

describe('a last message that sounds like a blocker', () => {
  it.each([
    'Which would you prefer to review first? I would start with parser.ts.',
    'Should I reset the password field on submit? The spec says yes.',
    'Ich habe keinen Zugriff auf das Internet, deshalb habe ich einen Mock verwendet.',
    'Ich warte auf die Antwort des Servers im Test, bevor ich prüfe.',
    "Je n'ai pas accès au réseau, j'ai donc utilisé un mock.",
    'Espero tu respuesta.',
    'Não tenho acesso à rede, então usei um mock.',
    'У меня нет доступа к сети, поэтому я использовал мок.',
    '我没有修改权限相关的代码。',
    '该函数等待您的确认后才会执行删除。',
    '削除するには管理者の承認が必要です。',
    '삭제하려면 관리자 승인이 필요합니다.',
    '네트워크 접근 권한이 없어서 모의 객체로 테스트했습니다.',
  ])('is none: %s', (text) => {
    expect(kindOf(text)).toBe('other');
  });
});

describe('the table of languages in docs/LIVENESS.md', () => {
  it('is that of the labeled messages', () => {
    const table = spokenTable(languages, recorded);
    const docs = readFileSync(path, 'utf8');
    // Rewrites the table with: CLIP_WRITE_DOCS=1 vitest run --project pure languages
    if (process.env['CLIP_WRITE_DOCS'] === '1')
      writeFileSync(
        path,
        docs.replace(between, () => table),
      );
    expect(between.exec(readFileSync(path, 'utf8'))?.[0]).toBe(table);
  });

  it('has at least twelve messages of each language', () => {
    for (const sets of Object.values(languages)) expect(judgedSpoken(sets).length).toBeGreaterThan(40);
  });
});

describe('a hostile last message', () => {
  it.each([
    'ich kann ',
    'ohne Token, kann ich ',
    'Welche möchte ',
    'bitte gib mir ',
    'sans accès ',
    'no puedo ',
    'мне нужен ',
    '没有权限，',
    'キーがない',
    '권한이 없어서 ',
    '¿',
    '：',
  ])('of one phrase again and again takes no time: %s', (part) => {
    const began = performance.now();
    for (const text of [
      part.repeat(70_000 / part.length),
      `${part.repeat(70_000 / part.length)}?`,
      `${part}\n`.repeat(4_000),
    ])
      kindOf(text);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
