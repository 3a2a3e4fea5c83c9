/** The parts of fake-model-server.mjs that tests use. */
import type { Server } from 'node:http';

export type Step = Readonly<Record<string, unknown>>;
/** Steps for any prompt, or for the first entry whose words stand in the prompt. */
export type Scenario =
  | readonly Step[]
  | { readonly prompts: readonly { readonly has?: string; readonly steps: readonly Step[] }[] };
export const SCENARIOS: Readonly<Record<string, Scenario>>;
export function createServer(options?: {
  readonly scenario?: string;
  /** A file that gets one line of JSON for each request. */
  readonly log?: string;
  readonly scenarios?: Readonly<Record<string, Scenario>>;
}): Server & { readonly stopAll: () => Promise<void> };
