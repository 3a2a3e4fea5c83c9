/** The readers of runs' streams. Each is requested once. */
import type { RunView } from '#protocol/answers.ts';
import type { Client } from '../client/client.ts';
import { createReader } from '../logs/log-format.ts';
import type { Reader } from '../logs/transcript/renderer.ts';

export type Readers = ReturnType<typeof createReaders>;

/** Shows output that is not a stream of events line by line. */
const asIs: Reader = { adapter: 'plain', mapping: null };
/** One reader per adapter, so that readers can be compared by identity. */
const adapters = new Map<string, Reader>();

function ofAdapter(adapter: string): Reader {
  const reader = adapters.get(adapter) ?? { adapter: adapter as Reader['adapter'], mapping: null };
  adapters.set(adapter, reader);
  return reader;
}

/** Creates the readers of all runs on the board. */
export function createReaders(client: Client) {
  const known = new Map<number, Reader>();
  const asked = new Set<number>();

  async function ask(run: RunView): Promise<Reader> {
    const reader = (await createReader(client, run)) ?? asIs;
    known.set(run.number, reader);
    return reader;
  }

  return {
    /**
     * Returns the plain reader until the right one is known. Only CLIs without an adapter of their own need a request.
     */
    of(run: RunView): Reader {
      if (run.agentName === null) return asIs;
      if (run.adapter !== 'plain') return ofAdapter(run.adapter);
      if (!known.has(run.number) && !asked.has(run.number)) {
        asked.add(run.number);
        // The request is repeated the next time when it failed now.
        ask(run).catch(() => asked.delete(run.number));
      }
      return known.get(run.number) ?? asIs;
    },
    find: async (run: RunView): Promise<Reader> => known.get(run.number) ?? ask(run),
    /** Forgets the runs that are gone from the board. */
    forget(except: ReadonlyMap<number, unknown>): void {
      for (const number of [...known.keys(), ...asked]) {
        if (except.has(number)) continue;
        known.delete(number);
        asked.delete(number);
      }
    },
  };
}
