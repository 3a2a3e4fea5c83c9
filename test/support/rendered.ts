/** Logs of agents, rendered for a test. */

import { createRenderer, type Reader } from '../../src/cli/rendered/renderer.ts';
import type { Look } from '../../src/cli/words.ts';
import type { AdapterName, Mapping } from '../../src/run/agent.ts';

export const plain: Look = { colour: false, width: null };
export const narrow = (width: number): Look => ({ colour: false, width });

export const readerOf = (adapter: AdapterName, mapping: Mapping | null = null): Reader => ({ adapter, mapping });

type Given = { readonly stream?: 'stdout' | 'stderr'; readonly look?: Look; readonly hide?: (text: string) => string };

export function rendererOf(reader: Reader, { stream = 'stdout', look = plain, hide = (text) => text }: Given = {}) {
  return createRenderer({ reader, stream, look, cwd: '/home/demo/project', hint: 'clip logs 7 --raw', hide });
}

/** All lines of this log. */
export function linesOf(reader: Reader, bytes: Uint8Array | string, given: Given = {}): string[] {
  const renderer = rendererOf(reader, given);
  return [...renderer.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes), ...renderer.rest()];
}

/** The log in which these events stand. */
export const logOf = (...events: readonly object[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('');
