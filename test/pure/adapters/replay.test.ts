/** @module-tag fuzz */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Adapter, type Json, read, readFrom, readRest } from '#adapters/adapter.ts';
import { codex } from '#adapters/codex.ts';
import { findAdapter } from '#adapters/registry.ts';
import { limits } from '#run/limits.ts';
import type { StreamState } from '#run/stream-state.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import {
  type Cutter,
  endOf,
  inBytes,
  type Recording,
  recordedAt,
  recordings,
  replay,
  replayPieces,
} from '../../support/recordings.ts';
import { launch } from '../../support/streams.ts';

const clis = ['claude', 'codex', 'gemini', 'opencode'] as const;
const all = clis.flatMap((cli) =>
  recordings(cli).map((each) => ({ cli, adapter: findAdapter(launch(cli).agent), recording: each })),
);

/**
 * Feeding single bytes of 300 kB in one line takes minutes, and shows nothing that cuts at random places do not show.
 */
const smallBytesMax = 200_000;

/** Returns the same cuts for the same seed, by a Lehmer generator, which is good enough for cuts. */
function atRandom(seed: number): Cutter {
  let state = seed;
  const next = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  return (bytes) => {
    const pieces: Uint8Array[] = [];
    for (let begin = 0; begin < bytes.length; ) {
      const length = next(10) === 0 ? 1 + next(20_000) : 1 + next(300);
      pieces.push(bytes.subarray(begin, begin + length));
      begin += length;
    }
    return pieces;
  };
}

describe('every recording', () => {
  test('belongs to one of the CLIs, and each CLI has some', () => {
    expect(clis.map((cli) => recordings(cli).length)).toEqual([88, 75, 57, 57]);
  });

  test.each(clis)(
    'of %s gives the same stream state however its logs are cut',
    (cli) => {
      for (const { adapter, recording } of all.filter((each) => each.cli === cli)) {
        const streamState = replay(adapter, recording);
        const small = recording.stdout.length + recording.stderr.length <= smallBytesMax;
        if (small) expect(replay(adapter, recording, inBytes), recording.name).toEqual(streamState);
        for (const seed of [1, 20_26, 77_777])
          expect(replay(adapter, recording, atRandom(seed)), recording.name).toEqual(streamState);
      }
      // The time limit covers nearly a million single bytes, which take seconds on a busy machine.
    },
    60_000,
  );

  test.each(clis)('of %s ends the same whichever of its logs is read first', (cli) => {
    for (const { adapter, recording } of all.filter((each) => each.cli === cli)) {
      const pieces = [
        { stream: 'stdout', bytes: recording.stdout },
        { stream: 'stderr', bytes: recording.stderr },
      ] as const;
      expect(endOf(adapter, replayPieces(adapter, pieces), recording.exit), recording.name).toBe(
        endOf(adapter, replay(adapter, recording), recording.exit),
      );
    }
  });

  test.each(clis)('of %s has its session id', (cli) => {
    for (const { adapter, recording } of all.filter((each) => each.cli === cli)) {
      // The recorder read only lines, and recorded a session id that was requested but that claude never used.
      if (cli === 'claude' && ['x_json', 'resume_unknown_id'].includes(recording.name)) continue;
      expect([recording.name, replay(adapter, recording).sessionId]).toEqual([recording.name, recording.sessionId]);
    }
  });

  test.each(clis)('of %s has the tokens of its stream', (cli) => {
    for (const { adapter, recording } of all.filter((each) => each.cli === cli)) {
      const { part, session } = replay(adapter, recording).meter;
      const used = part ?? session;
      expect([recording.name, used && [used.input, used.output]]).toEqual([recording.name, countTokens(recording)]);
    }
  });

  test.each(clis)('of %s lists only files that existed afterwards', (cli) => {
    for (const { adapter, recording } of all.filter((each) => each.cli === cli)) {
      const names = Object.keys(replay(adapter, recording).files).map((path) => path.split('/').at(-1));
      expect(recording.files, recording.name).toEqual(expect.arrayContaining(names));
    }
  });

  test('can be stored and continued between any two pieces', () => {
    for (const { adapter, recording } of all.filter(({ recording }) =>
      /tool_background|tool_write|max_tokens/.test(recording.name),
    )) {
      expect(JSON.parse(JSON.stringify(replay(adapter, recording))), recording.name).toEqual(
        replay(adapter, recording),
      );
    }
  });
});

/** For an answer that broke off, claude's `usage` has nothing or half of it. The list of its models has everything. */
const brokenOff: Readonly<Record<string, readonly [number, number]>> = {
  few_disconnect: [24354, 22],
  sig_hang_int_pid: [12177, 10],
};

/** Returns the numbers of the stream by the simplest possible reading. Nothing was cached in the recordings. */
function countTokens({ cli, name, stdout }: Recording): readonly [number, number] | null {
  const lines = Buffer.from(stdout)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  const numbers = lines
    .flatMap((line) => JSON.parse(name === 'x_json' ? `{"list":${line}}` : line))
    .flatMap((each) => each.list ?? [each]);
  const pairs = numbers.flatMap((event): [number, number][] => {
    const usage = { claude: event.type === 'result' && event.usage, codex: event.usage, gemini: event.stats }[cli];
    if (usage) return [[usage.input_tokens, usage.output_tokens]];
    return event.part?.tokens ? [[event.part.tokens.input, event.part.tokens.output]] : [];
  });
  if (cli === 'claude' && brokenOff[name]) return brokenOff[name];
  return pairs.length === 0 ? null : pairs.reduce(([a, b], [c, d]) => [a + c, b + d]);
}

const message = (text: string) =>
  JSON.stringify({ type: 'item.completed', item: { id: 'i', type: 'agent_message', text } });
const streamStateOf = (text: string | Uint8Array, cut?: Cutter): StreamState =>
  replay(codex, { stdout: Buffer.from(text), stderr: new Uint8Array() }, cut);

describe('a stream of an agent', () => {
  test('may be cut within a character', () => {
    const words = 'grün, 日本語, 👩‍👩‍👧';
    expect(streamStateOf(`${message(words)}\n`, inBytes).text).toBe(words);
  });

  test('may have bytes that are not UTF-8', () => {
    const [before = '', after = ''] = message('#').split('#');
    const broken = Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0xc3]), Buffer.from(after)]);
    expect(streamStateOf(broken).text).toBe('\ufffd\ufffd');
  });

  test('may end without a line break', () => {
    expect(streamStateOf(message('the end')).text).toBe('the end');
  });

  test('may have Windows line endings, empty lines, plain text and colors', () => {
    const streamState = streamStateOf(
      `warming up\r\n\r\n\u001b[31m{not json\u001b[0m\n  ${message('hello')}\r\n[1,2]\nnull\n"x"\n`,
    );
    expect(streamState).toMatchObject({ text: 'hello', messages: 1, lastError: null });
  });

  test('may come as one list at the end', () => {
    expect(streamStateOf(`[${message('one')},${message('two')}, 7, null]\n`)).toMatchObject({
      text: 'two',
      messages: 2,
    });
  });

  test('may have a line of a megabyte', () => {
    const { text } = streamStateOf(`${message('x'.repeat(2 ** 20))}\n`, atRandom(5));
    expect(text).toBe('x'.repeat(limits.accountTextLength));
  });

  test('continues after a line that is too long to be kept', () => {
    const long = Buffer.from(`${message('x'.repeat(limits.streamLineBytesMax + 2 ** 20))}\n${message('after')}\n`);
    const chunks: Cutter = (bytes) =>
      Array.from({ length: Math.ceil(bytes.length / limits.tailChunkBytes) }, (_, i) =>
        bytes.subarray(i * limits.tailChunkBytes, (i + 1) * limits.tailChunkBytes),
      );
    expect(streamStateOf(long, chunks)).toMatchObject({ text: 'after', messages: 1 });
    expect(streamStateOf(long)).toMatchObject({ text: 'after', messages: 1 });
  });

  test('is read in whole lines, and all bytes count, even of skipped lines', () => {
    const lines = Buffer.from(`${message('one')}\n${message('grün')}\nunfinished`);
    const states = inBytes(lines).reduce(
      (state, bytes) => read(codex, state, bytes, { stream: 'stdout', at: recordedAt }).state,
      readFrom(100),
    );
    expect(states.offset).toBe(100 + lines.length - 'unfinished'.length);
    const long = new Uint8Array(limits.streamLineBytesMax + 5).fill(0x78);
    const skipped = read(
      codex,
      read(codex, readFrom(0), long, { stream: 'stdout', at: recordedAt }).state,
      Buffer.from('xx\nyy'),
      {
        stream: 'stdout',
        at: recordedAt,
      },
    );
    expect(skipped.state.offset).toBe(long.length + 3);
  });

  test('may arrive in one reused buffer', () => {
    const memory = new Uint8Array(7);
    const bytes = Buffer.from(`${message('a rather long line of words')}\n`);
    let state = readFrom(0);
    const readings = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => {
      const piece = bytes.subarray(i * 7, i * 7 + 7);
      memory.set(piece);
      const next = read(codex, state, memory.subarray(0, piece.length), { stream: 'stdout', at: recordedAt });
      state = next.state;
      return next.readings;
    });
    expect(readings.flat()).toEqual([{ type: 'message', text: 'a rather long line of words', delta: false }]);
  });

  test('is continued from its last whole line, wherever the reader stopped', () => {
    const bytes = Buffer.from(`${message('one')}\n${message('two')}\n`);
    for (let stop = 0; stop <= bytes.length; stop += 1) {
      const first = read(codex, readFrom(0), bytes.subarray(0, stop), { stream: 'stdout', at: recordedAt });
      const second = readRest(
        codex,
        read(codex, readFrom(first.state.offset), bytes.subarray(first.state.offset), {
          stream: 'stdout',
          at: recordedAt,
        }).state,
        { stream: 'stdout', at: recordedAt },
      );
      const rest = read(codex, readFrom(first.state.offset), bytes.subarray(first.state.offset), {
        stream: 'stdout',
        at: recordedAt,
      }).readings;
      expect(
        [...first.readings, ...rest, ...second.readings].map((each) => each.type === 'message' && each.text),
      ).toEqual(['one', 'two']);
    }
  });
});

const adapters: readonly Adapter[] = clis.map((cli) => findAdapter(launch(cli).agent));
const exits = fc.record({
  code: fc.option(fc.integer({ min: 0, max: 255 })),
  signal: fc.option(fc.constant('SIGTERM')),
});

describe('an adapter', () => {
  test('reads a stream of arbitrary bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...adapters),
        fc.uint8Array({ maxLength: 2000 }),
        fc.uint8Array({ maxLength: 500 }),
        exits,
        (adapter, stdout, stderr, exit) => {
          endOf(adapter, replay(adapter, { stdout, stderr }), exit);
        },
      ),
      { seed: 1, numRuns: fuzzRuns(500) },
    );
  });

  test('reads a stream of arbitrary JSON', () => {
    const event = fc.jsonValue({ maxDepth: 5 });
    fc.assert(
      fc.property(fc.constantFrom(...adapters), fc.array(event, { maxLength: 20 }), exits, (adapter, events, exit) => {
        const stdout = Buffer.from(events.map((each) => JSON.stringify(each)).join('\n'));
        endOf(adapter, replay(adapter, { stdout, stderr: stdout }), exit);
      }),
      { seed: 2, numRuns: fuzzRuns(500) },
    );
  });

  test('throws for no event with a replaced field, and loses no line', () => {
    const known = all
      .filter(({ recording }) => recording.stdout.length < smallBytesMax)
      .flatMap(({ adapter, recording }) => eventsOf(recording).map((event) => ({ adapter, event })));
    fc.assert(
      fc.property(
        fc.constantFrom(...known),
        fc.nat(),
        fc.jsonValue({ maxDepth: 2 }),
        ({ adapter, event }, place, value) => {
          adapter.stream?.readEvent(replaced(event, place, value), recordedAt);
          adapter.stream?.readText(JSON.stringify(value), 'stderr', recordedAt);
        },
      ),
      { seed: 5, numRuns: fuzzRuns(2000) },
    );
  });

  test('reads a recording with damage, or reports what could not be stored', () => {
    const chosen = fc.constantFrom(...all.filter(({ recording }) => recording.stdout.length < smallBytesMax));
    fc.assert(
      fc.property(chosen, fc.array(damage, { minLength: 1, maxLength: 8 }), ({ adapter, recording }, damages) => {
        const text = damages.reduce((sum, change) => change(sum), Buffer.from(recording.stdout).toString('latin1'));
        const streamState = replay(adapter, { stdout: Buffer.from(text, 'latin1'), stderr: recording.stderr });
        endOf(adapter, streamState, recording.exit);
        expect(JSON.stringify(streamState).length).toBeLessThan(100_000);
        expect(JSON.parse(JSON.stringify(streamState))).toEqual(streamState);
      }),
      { seed: 3, numRuns: fuzzRuns(600) },
    );
  });
});

function eventsOf({ stdout }: Recording): readonly Json[] {
  const lines = Buffer.from(stdout).toString().split('\n');
  return lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
}

/** Returns the event with another value in one place. */
function replaced(event: Json, place: number, value: unknown): Json {
  let left = place % (JSON.stringify(event).match(/":/g)?.length ?? 1);
  return JSON.parse(JSON.stringify(event, (key, old) => (key !== '' && left-- === 0 ? value : old)));
}

/** Returns a way to damage a text: a bit, a line, the order of lines, the end, or the type of a value. */
const damage: fc.Arbitrary<(text: string) => string> = fc
  .tuple(fc.nat(), fc.nat(), fc.constantFrom('bit', 'drop', 'swap', 'cut', 'value', 'repeat'), fc.json({ maxDepth: 2 }))
  .map(([a, b, how, json]) => (text) => {
    const lines = text.split('\n');
    const [i, j] = [a % lines.length, b % lines.length];
    const at = a % Math.max(1, text.length);
    switch (how) {
      case 'bit':
        return (
          text.slice(0, at) + String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << (b % 8))) + text.slice(at + 1)
        );
      case 'drop':
        return lines.filter((_, index) => index !== i).join('\n');
      case 'swap':
        return lines.map((line, index) => (index === i ? lines[j] : index === j ? lines[i] : line)).join('\n');
      case 'cut':
        return text.slice(0, at);
      case 'repeat':
        return [...lines, ...lines.slice(i)].join('\n');
      default: {
        // A value after a colon becomes a value of another type.
        const places = [...text.matchAll(/":("(?:[^"\\]|\\.)*"|-?[\d.]+|true|false|null)/g)];
        const place = places[a % Math.max(1, places.length)];
        if (place?.index === undefined || place[1] === undefined) return text;
        const begin = place.index + 2;
        return text.slice(0, begin) + json + text.slice(begin + place[1].length);
      }
    }
  });
