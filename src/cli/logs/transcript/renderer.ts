/**
 * Renders an agent's log for people. Pure: the same lines for any split of the bytes, with bounded memory for any log.
 */
import { cutLines, noCut } from '#adapters/log-lines.ts';
import type { TranscriptItem } from '#adapters/transcript/item.ts';
import { findTranscriber, type Transcribe } from '#adapters/transcript/transcribe.ts';
import type { AdapterName, Mapping } from '#run/agent.ts';
import type { TextStyle } from '../../terminal/style.ts';
import { ItemLines } from './item-lines.ts';
import { resolveRenderOptions } from './render-options.ts';

/** How an agent's stream is read. */
export type Reader = { readonly adapter: AdapterName; readonly mapping: Mapping | null };

export type RenderOptions = {
  readonly reader: Reader;
  readonly stream: 'stdout' | 'stderr';
  readonly look: TextStyle;
  /** The run's folder. Paths below it are shown as relative ones. */
  readonly cwd: string | null;
  /** The command that shows folded text, `clip logs 7 --raw`. Null where there is none. */
  readonly hint: string | null;
  /** Removes secrets from a text. */
  readonly hide: (text: string) => string;
};

export type Renderer = {
  /** Takes the next bytes of the log, which may end anywhere, and returns the completed lines. */
  readonly push: (bytes: Uint8Array) => string[];
  /** No more bytes come for now. Open tools are shown; their ends follow later. */
  readonly pause: () => string[];
  /** Returns the remaining lines once the log has ended. */
  readonly rest: () => string[];
};

/** Creates a renderer. Without a stream of events, lines are shown unchanged. */
export function createRenderer(options: RenderOptions): Renderer {
  const { reader, stream } = options;
  const transcribe = findTranscriber(reader.adapter, reader.mapping) ?? asIs;
  const lines = new ItemLines(resolveRenderOptions(options));
  let cut = noCut;

  function push(bytes: Uint8Array): string[] {
    const read = cutLines(cut, bytes);
    cut = read.cut;
    const shown: string[] = [];
    for (const line of read.lines)
      for (const item of typeof line === 'string' ? transcribe(line, stream) : leftOut)
        for (const row of lines.add(item)) shown.push(row);
    return shown;
  }

  return { push, pause: () => lines.pause(), rest: () => [...(cut.bytes > 0 ? push(lineBreak) : []), ...lines.rest()] };
}

const leftOut: readonly TranscriptItem[] = [{ type: 'left-out' }];
const lineBreak = new Uint8Array([0x0a]);
const asIs: Transcribe = (line): TranscriptItem[] => [{ type: 'line', text: line }];

/**
 * Returns the last readable line of a log: what the agent said or does. Returns null when there is none. `tail` may
 * begin and end in the middle of a line.
 */
export function lastReadable(
  reader: Reader,
  tail: Uint8Array,
  given: { readonly whole: boolean; readonly hide: (text: string) => string },
): string | null {
  const transcribe = findTranscriber(reader.adapter, reader.mapping) ?? asIs;
  const lines = new ItemLines(
    resolveRenderOptions({ look: { colour: false, width: null }, cwd: null, hint: null, hide: given.hide }),
  );
  const read = cutLines(noCut, tail);
  const shown = read.lines
    .slice(given.whole ? 0 : 1)
    .flatMap((line) => (typeof line !== 'string' ? [] : transcribe(line, 'stdout').flatMap((item) => lines.add(item))));
  return [...shown, ...lines.unfinished()].map((line) => line.trim()).findLast((line) => line !== '') ?? null;
}
