import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { takeWheel, WheelInput } from '#cli/dashboard/mouse.ts';
import { begin } from '#cli/dashboard/state.ts';
import { aBoard, busy, factsOf, pressed } from '../support/dashboard.ts';
import { aView } from '../support/views.ts';

const up = '\u001b[<64;10;5M';
const down = '\u001b[<65;10;5M';

describe('the wheel of the mouse', () => {
  it('is taken out of the input, and keys beside it stay', () => {
    expect(takeWheel(`a${up}b${down}${down}`)).toEqual({
      turns: ['wheelup', 'wheeldown', 'wheeldown'],
      rest: 'ab',
      pending: '',
    });
    expect(takeWheel('\u001b[<0;10;5M\u001b[<0;10;5m').turns).toEqual([]);
    expect(takeWheel('\u001b').rest).toBe('\u001b');
    expect(takeWheel('\u001b[A').rest).toBe('\u001b[A');
  });

  it('is understood when its report comes in two pieces', async () => {
    const source = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.ReadStream;
    const turns: string[] = [];
    const input = new WheelInput(source, (turn) => turns.push(turn));
    const read: string[] = [];
    input.setEncoding('utf8').on('data', (chunk) => read.push(String(chunk)));
    for (const piece of ['x\u001b[<64;1', '0;5My', '\u001b[<', '65;1;1Mz']) {
      (source as unknown as PassThrough).write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([turns, read.join('')]).toEqual([['wheelup', 'wheeldown'], 'xyz']);
    input.close();
  });

  it('moves through rows and texts, and leaves what was said', () => {
    const many = factsOf(aBoard({ live: Array.from({ length: 9 }, (_, index) => aView({ number: index + 1 })) }));
    const said = pressed(many, ['t']).state;
    const turned = pressed(many, ['wheeldown', 'wheeldown'], said).state;
    expect([turned.chosen, turned.notices]).toEqual(['run:3', said.notices]);
    expect(said.notices).toHaveLength(1);
    const help = pressed(many, ['?'], begin, 10).state;
    expect(pressed(many, ['wheeldown'], help, 10).state.pages.at(-1)).toMatchObject({ name: 'help', scroll: 3 });
  });

  it('does nothing while words are typed or a question is open', () => {
    const facts = factsOf(aBoard({ live: [busy.running, aView({ number: 13 })] }));
    for (const keys of [['/'], ['c']]) {
      const { state } = pressed(facts, keys);
      expect(pressed(facts, ['wheeldown'], state).state).toBe(state);
    }
  });
});
