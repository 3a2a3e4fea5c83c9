import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Json, SessionFile } from '#adapters/adapter.ts';
import { localeIn, timeZoneIn } from '#adapters/run-time-zone.ts';
import { codexSessionFile, geminiSessionFile } from '#adapters/session-files.ts';
import { emptyStreamState, fold } from '#run/stream-state.ts';
import { noTotals, toUsage } from '#run/usage.ts';

/** Returns the lines of files of real sessions. Other lines and words were left out. */
const linesOf = (name: string): Json[] =>
  readFileSync(new URL(`../../fixtures/sessions/${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Json]));

function usedIn(file: SessionFile, lines: readonly Json[]) {
  const readings = lines
    .filter((line) => JSON.stringify(line).includes(file.marker))
    .flatMap((line) => file.read(line).readings);
  return toUsage(fold(emptyStreamState, readings, 0).meter, noTotals);
}

const startedAt = Date.UTC(2026, 10, 28, 22, 6);
const codexId = '01a22432-6fb6-7f63-a264-2557e53f8a33';

describe('the session file of codex', () => {
  const places = (environment: Record<string, string>, id = codexId) =>
    codexSessionFile.places({ id, environment, startedAt });

  test('is below CODEX_HOME or HOME, in the folder of its day or near it', () => {
    const day = (date: string, home: string) => ({
      folders: [home, 'sessions', '2026', '11', date],
      prefix: 'rollout-',
      suffix: `-${codexId}.jsonl`,
    });
    expect(places({ CODEX_HOME: '/c', HOME: '/h' })).toEqual([day('28', '/c'), day('27', '/c'), day('29', '/c')]);
    expect(places({ HOME: '/h' })[0]).toEqual(day('28', '/h/.codex'));
    expect(places({})).toEqual([]);
    expect(places({ HOME: 'relative' })).toEqual([]);
  });

  test('with an id without a time is searched on the day of the run', () => {
    expect(places({ HOME: '/h' }, 'abc')[0]?.folders).toEqual(['/h/.codex', 'sessions', '2026', '11', '28']);
  });

  test('has totals after each call, and is recognized by its first line', () => {
    const lines = linesOf('codex');
    expect(codexSessionFile.isOf(lines[0] ?? {}, codexId)).toBe(true);
    expect(codexSessionFile.isOf(lines[0] ?? {}, 'another')).toBe(false);
    expect(usedIn(codexSessionFile, lines)).toMatchObject({
      inputTokens: 81_666,
      cachedInputTokens: 0,
      outputTokens: 160,
      costUsd: null,
    });
    expect(codexSessionFile.read(lines[2] ?? {}).at).toBe(Date.parse('2026-11-28T22:06:55.164Z'));
  });

  test.each<[string, unknown]>([
    ['nothing in it', { type: 'event_msg', payload: { type: 'token_count', info: null } }],
    [
      'counts of another kind',
      { type: 'event_msg', payload: { type: 'token_count', info: { total_token_usage: { input_tokens: '7' } } } },
    ],
    [
      'another event',
      { type: 'response_item', payload: { type: 'token_count', info: { total_token_usage: { input_tokens: 7 } } } },
    ],
    [
      'words of a tool that look like one',
      { type: 'event_msg', payload: { type: 'agent_message', info: { total_token_usage: { input_tokens: 7 } } } },
    ],
  ])('has no usage in a line with %s', (_, line) => {
    expect(codexSessionFile.read(line as Json).readings).toEqual([]);
  });
});

describe('the session file of gemini', () => {
  test("is in any project's folder, and is recognized by its first line", () => {
    const id = 'd5a33f5c-bd80-4942-845c-0bec3bb6e98f';
    const place = (home: string) => ({
      folders: [`${home}/.gemini`, 'tmp', '*', 'chats'],
      prefix: 'session-',
      suffix: '-d5a33f5c.jsonl',
    });
    expect(geminiSessionFile.places({ id, environment: { HOME: '/h' }, startedAt })).toEqual([place('/h')]);
    expect(geminiSessionFile.places({ id, environment: { HOME: '/h', GEMINI_CLI_HOME: '/g' }, startedAt })).toEqual([
      place('/g'),
    ]);
    expect(geminiSessionFile.places({ id: 'short', environment: { HOME: '/h' }, startedAt })).toEqual([]);
    expect(geminiSessionFile.isOf(linesOf('gemini')[0] ?? {}, id)).toBe(true);
  });

  test('has each call twice, also with its tools, and counts it once', () => {
    // The result of that run has the same numbers: 47,669 and 80.
    expect(usedIn(geminiSessionFile, linesOf('gemini'))).toMatchObject({ inputTokens: 47_669, outputTokens: 80 });
  });
});

describe('the time zone and the locale of a run', () => {
  test.each([
    ['America/Los_Angeles', 'America/Los_Angeles'],
    [':Asia/Tokyo', 'Asia/Tokyo'],
    ['/usr/share/zoneinfo/Europe/Berlin', 'Europe/Berlin'],
    ['UTC', 'UTC'],
    ['UTC-3', 'Etc/GMT-3'],
    ['<-03>3', 'Etc/GMT+3'],
    ['', 'Europe/Madrid'],
    ['Mars/Olympus', 'Europe/Madrid'],
  ])('are read: TZ=%s is %s', (TZ, zone) => {
    expect(timeZoneIn({ TZ }, 'Europe/Madrid')).toBe(zone);
  });

  test.each([
    [{}, 'en-US'],
    [{ LANG: 'C.UTF-8' }, 'en-US'],
    [{ LANG: 'de_DE.UTF-8' }, 'de-DE'],
    [{ LANG: 'de_DE.UTF-8', LC_TIME: 'en_GB.UTF-8' }, 'en-GB'],
    [{ LANG: 'de_DE', LC_ALL: 'pt_BR@euro' }, 'pt-BR'],
    [{ LC_ALL: '', LANG: 'fr' }, 'fr'],
  ])('are read: %j is %s', (environment, locale) => {
    expect(localeIn(environment)).toBe(locale);
  });
});
