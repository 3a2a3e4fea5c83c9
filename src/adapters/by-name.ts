import type { AgentProfile } from '../run/agent.ts';
import type { Adapter } from './adapter.ts';
import { codex } from './codex.ts';
import { http } from './http.ts';
import { fromMapping } from './mapping.ts';
import { plain } from './plain.ts';

/** The adapter of this agent; of a plain command, when there is none. */
export function adapterOf(agent: AgentProfile | null): Adapter {
  switch (agent?.adapter) {
    case 'codex':
      return codex;
    case 'http':
      return http;
    case 'plain':
      return agent.mapping === null ? plain : fromMapping(agent.mapping);
    default:
      return plain;
  }
}
