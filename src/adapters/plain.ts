/** Any command: nothing is known of it but how it ends. */
import type { Adapter } from './adapter.ts';

export const plain: Adapter = {
  prepare: ({ agent }) => ({ argv: [agent.command ?? '', ...agent.args], env: {}, removeEnv: [], stdin: 'prompt' }),
  politeSignal: null,
  stream: null,
};
