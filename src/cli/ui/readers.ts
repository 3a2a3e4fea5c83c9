/** How the stream of each run is read: asked for once. */
import type { RunView } from '../../protocol/answers.ts';
import type { Client } from '../client.ts';
import type { Reader } from '../rendered/renderer.ts';
import { readerOf } from '../rendering.ts';

export type Readers = ReturnType<typeof createReaders>;

/** Output that is no stream of events is read as the lines that it is. */
const asIs: Reader = { adapter: 'plain', mapping: null };
/** One value for each, so that it can be told whether a run is read as before. */
const adapters = new Map<string, Reader>();

function ofAdapter(adapter: string): Reader {
  const reader = adapters.get(adapter) ?? { adapter: adapter as Reader['adapter'], mapping: null };
  adapters.set(adapter, reader);
  return reader;
}

export function createReaders(client: Client) {
  const known = new Map<number, Reader>();
  const asked = new Set<number>();

  async function ask(run: RunView): Promise<Reader> {
    const reader = (await readerOf(client, run)) ?? asIs;
    known.set(run.number, reader);
    return reader;
  }

  return {
    /** As lines, until it is known better; only of CLIs without an adapter of their own that has to be asked. */
    of(run: RunView): Reader {
      if (run.agentName === null) return asIs;
      if (run.adapter !== 'plain') return ofAdapter(run.adapter);
      if (!known.has(run.number) && !asked.has(run.number)) {
        asked.add(run.number);
        // Asked again the next time, when nobody could answer now.
        ask(run).catch(() => asked.delete(run.number));
      }
      return known.get(run.number) ?? asIs;
    },
    find: async (run: RunView): Promise<Reader> => known.get(run.number) ?? ask(run),
    /** Of runs that are gone from the board nothing needs to be known. */
    forget(except: ReadonlyMap<number, unknown>): void {
      for (const number of [...known.keys(), ...asked]) {
        if (except.has(number)) continue;
        known.delete(number);
        asked.delete(number);
      }
    },
  };
}
