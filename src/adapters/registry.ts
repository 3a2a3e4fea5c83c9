import type { AgentProfile } from '#run/agent.ts';
import type { Adapter } from './adapter.ts';
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import { http } from './http.ts';
import { fromMapping } from './mapping.ts';
import { opencode } from './opencode.ts';
import { plain } from './plain.ts';

/** Returns the adapter of this agent, or the plain adapter when there is no agent. */
export function findAdapter(agent: AgentProfile | null): Adapter {
  switch (agent?.adapter) {
    case 'codex':
      return codex;
    case 'claude':
      return claude;
    case 'gemini':
      return gemini;
    case 'opencode':
      return opencode;
    case 'http':
      return http;
    default:
      return agent?.mapping ? fromMapping(agent.mapping) : plain;
  }
}
