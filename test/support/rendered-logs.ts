/** Renders agent logs for tests. */

import { createRenderer, type Reader } from '#cli/logs/transcript/renderer.ts';
import type { TextStyle } from '#cli/terminal/style.ts';
import type { AdapterName, Mapping } from '#run/agent.ts';

export const plain: TextStyle = { colour: false, width: null };
export const narrow = (width: number): TextStyle => ({ colour: false, width });

export const readerOf = (adapter: AdapterName, mapping: Mapping | null = null): Reader => ({ adapter, mapping });

type Given = {
  readonly stream?: 'stdout' | 'stderr';
  readonly look?: TextStyle;
  readonly hide?: (text: string) => string;
};

export function rendererOf(reader: Reader, { stream = 'stdout', look = plain, hide = (text) => text }: Given = {}) {
  return createRenderer({ reader, stream, look, cwd: '/home/demo/project', hint: 'clip logs 7 --raw', hide });
}

/** Returns all lines of this log. */
export function linesOf(reader: Reader, bytes: Uint8Array | string, given: Given = {}): string[] {
  const renderer = rendererOf(reader, given);
  return [...renderer.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes), ...renderer.rest()];
}

/** Returns the log with these events. */
export const logOf = (...events: readonly object[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');
