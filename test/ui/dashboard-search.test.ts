import { describe, expect, it } from 'vitest';
import { findMatches } from '#cli/dashboard/search.ts';
import type { State } from '#cli/dashboard/state.ts';
import { aBoard, busy, factsOf, pressed, screen } from '../support/dashboard.ts';

const log = Array.from({ length: 400 }, (_, index) => (index % 100 === 50 ? `Error ${index}` : `line ${index}`));
const withLog = (lines: readonly string[]) =>
  factsOf(aBoard({ live: [busy.running] }), {
    opened: {
      run: { schema: 1, run: busy.running, prompt: null, events: [] },
      log: lines,
      task: null,
      timeline: null,
      trouble: null,
    },
  });
const facts = withLog(log);
const { state: opened } = pressed(facts, ['l']);
const text = (state: State, given = facts, columns = 100, colour = false) =>
  screen(state, given, columns, 30, colour).join('\n');
const searched = (query: string, ...more: string[]) => pressed(facts, ['/', ...query, 'enter', ...more], opened).state;

describe('a search in a log', () => {
  it('goes down from where the log is read, when it is not followed', () => {
    const middle = pressed(facts, [...Array(7).fill('pageup')], opened).state;
    expect(text(pressed(facts, ['/', ...'error', 'enter'], middle).state)).toContain('»Error« 250');
    expect(text(pressed(facts, ['g', 'g', '/', ...'error', 'enter'], opened).state)).toContain('»Error« 50');
  });

  it('shows the newest match first, and says which of how many it is', () => {
    const found = searched('error');
    expect(text(found)).toContain('»Error« 350');
    expect(screen(found, facts).at(-1)).toMatch(/^\/error 4\/4 {2}\d+\/400 {2}/);
  });

  it('goes to the next match with n and back with N', () => {
    expect(text(searched('error', 'N'))).toContain('»Error« 250');
    expect(text(searched('error', 'N', 'N', 'n'))).toContain('»Error« 250');
    expect(text(searched('error', 'n'))).toContain('»Error« 50');
    expect(text(searched('error', 'N', 'N', 'N', 'N'))).toContain('»Error« 350');
  });

  it('looks at upper and lower case only when the words have upper case', () => {
    expect(findMatches(['Error', 'error', 'ERROR'], 'error')).toEqual([0, 1, 2]);
    expect(findMatches(['Error', 'error', 'ERROR'], 'Error')).toEqual([0]);
  });

  it('finds words that are colored or wrapped, and marks them by color', () => {
    const odd = withLog([...log.slice(0, 100), `${'long '.repeat(60)}\u001b[31mnee\u001b[0mdle`, ...log.slice(100)]);
    const { state } = pressed(odd, ['/', ...'needle', 'enter'], opened);
    expect(text(state, odd, 100, true)).toContain('\u001b[32mneedle');
  });

  it('says when nothing is found, and stays where it was', () => {
    const at = pressed(facts, ['pageup'], opened).state;
    const { state } = pressed(facts, ['/', ...'nowhere', 'enter'], at);
    expect(text(state)).toContain('Nothing here contains nowhere.');
    expect(state.pages).toEqual(at.pages);
    expect(text(pressed(facts, ['n'], opened).state)).toContain('Nothing is searched here. / begins a search.');
  });

  it('takes letters that are keys elsewhere, and Esc leaves the log as it was', () => {
    const { state, orders } = pressed(facts, ['/', ...'qcrX', 'escape'], opened);
    expect([orders, state.pages, state.form]).toEqual([[], opened.pages, null]);
  });
});

describe('a log that grows', () => {
  it('stays where it is read, and follows its end only from there', () => {
    const longer = withLog([...log, 'one more', 'and another']);
    const { state } = pressed(facts, ['pageup'], opened);
    const [first, later] = [screen(state, facts), screen(state, longer)].map((lines) => lines.slice(5, -1));
    expect([later, first?.[0]]).toEqual([first, expect.stringMatching(/^line \d+$/)]);
    expect(text(opened, longer)).toContain('and another');
  });
});

describe('the place in a text', () => {
  it('is its last visible line', () => {
    expect(screen(opened, facts).at(-1)).toMatch(/^400\/400 {2}/);
    expect(screen(pressed(facts, ['up', 'up'], opened).state, facts).at(-1)).toMatch(/^398\/400 {2}/);
  });

  it('is at the beginning after gg, and at the end after G', () => {
    const top = pressed(facts, ['g', 'g'], opened).state;
    expect(text(top)).toMatch(/^line 0$/m);
    expect(text(pressed(facts, ['G'], top).state)).toMatch(/^line 399$/m);
    expect(pressed(facts, ['g', 'j', 'g'], opened).state.pages).toEqual(pressed(facts, ['down'], opened).state.pages);
  });
});
