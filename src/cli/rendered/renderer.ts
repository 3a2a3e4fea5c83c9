/** The log of an agent as a person reads it. Pure: bytes in, lines out, whatever the pieces; bounded memory whatever the log. */
import { cutLines, noCut } from '../../adapters/lines.ts';
import type { Item } from '../../adapters/transcript/item.ts';
import { type Transcribe, transcriberOf } from '../../adapters/transcript/transcribe.ts';
import type { AdapterName, Mapping } from '../../run/agent.ts';
import type { Look } from '../words.ts';
import { createItemLines } from './item-lines.ts';
import { mannerOf } from './manner.ts';

/** How an agent's stream is read. */
export type Reader = { readonly adapter: AdapterName; readonly mapping: Mapping | null };

export type RenderOptions = {
  readonly reader: Reader;
  readonly stream: 'stdout' | 'stderr';
  readonly look: Look;
  /** The run's folder: paths below it are shown without it. */
  readonly cwd: string | null;
  /** How to see what is folded away, `clip logs 7 --raw`; null where nobody can ask. */
  readonly hint: string | null;
  /** Takes secrets out of a text. */
  readonly hide: (text: string) => string;
};

export type Renderer = {
  /** The next bytes of the log, cut wherever they happen to be; gives the lines that they complete. */
  readonly push: (bytes: Uint8Array) => string[];
  /** Nothing more comes for now: tools that have begun are shown, their ends come later. */
  readonly pause: () => string[];
  /** The log has ended. */
  readonly rest: () => string[];
};

/** For programs without a stream of events, lines are shown as they are. */
export function createRenderer(options: RenderOptions): Renderer {
  const { reader, stream } = options;
  const transcribe = transcriberOf(reader.adapter, reader.mapping) ?? asIs;
  const lines = createItemLines(mannerOf(options));
  let cut = noCut;

  function push(bytes: Uint8Array): string[] {
    const read = cutLines(cut, bytes);
    cut = read.cut;
    return read.lines.flatMap((line) => (line === null ? lines.add({ type: 'left-out' }) : transcribe(line, stream).flatMap(lines.add)));
  }

  return { push, pause: lines.pause, rest: () => [...(cut.bytes > 0 ? push(lineBreak) : []), ...lines.rest()] };
}

const lineBreak = new Uint8Array([0x0a]);
const asIs: Transcribe = (line): Item[] => [{ type: 'line', text: line }];

/**
 * The last line that a person could read in the end of a log: what the agent said or does; null when there
 * is none. `tail` may begin in the middle of a line, and end in one.
 */
export function lastReadable(reader: Reader, tail: Uint8Array, given: { readonly whole: boolean; readonly hide: (text: string) => string }): string | null {
  const transcribe = transcriberOf(reader.adapter, reader.mapping) ?? asIs;
  const lines = createItemLines(mannerOf({ look: { colour: false, width: null }, cwd: null, hint: null, hide: given.hide }));
  const read = cutLines(noCut, tail);
  const shown = read.lines.slice(given.whole ? 0 : 1).flatMap((line) => (line === null ? [] : transcribe(line, 'stdout').flatMap(lines.add)));
  return [...shown, ...lines.unfinished()].map((line) => line.trim()).findLast((line) => line !== '') ?? null;
}
