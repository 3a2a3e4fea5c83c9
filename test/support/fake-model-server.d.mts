/** The parts of fake-model-server.mjs that tests use. */
import type { Server } from 'node:http';

export type Step = Readonly<Record<string, unknown>>;
export const SCENARIOS: Readonly<Record<string, readonly Step[]>>;
export function createServer(options?: {
  readonly scenario?: string;
  /** A file that gets one line of JSON for each request. */
  readonly log?: string;
  readonly scenarios?: Readonly<Record<string, readonly Step[]>>;
}): Server & { readonly stopAll: () => Promise<void> };
