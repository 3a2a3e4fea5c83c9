/** The adapter of a plain command, of which only the exit is known. */
import type { Adapter } from './adapter.ts';

export const plain: Adapter = {
  prepare: ({ agent }) => ({ argv: [agent.command ?? '', ...agent.args], env: {}, removeEnv: [], stdin: 'prompt' }),
  politeSignal: null,
  tells: { tokens: 'never', cost: 'never' },
  sessionFile: null,
  stream: null,
};
