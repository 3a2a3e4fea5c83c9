/** Scenarios beyond those of the fake model: what it does in answer to each prompt, step by step. */
import type { Step } from '../support/fake-model-server.mjs';

const shell = (command: string, more: Step = {}): Step => ({ tool: 'shell', command, timeout: 120_000, ...more });
const untilThere = (file: string) => `until [ -e ${file} ]; do sleep 0.1; done`;

export const scenarios: Readonly<Record<string, readonly Step[]>> = {
  /** Three commands; the first two go on until the test makes a file. */
  three_gated: [
    shell(`echo one >> steps.txt; ${untilThere('go-one')}`),
    shell(`echo two >> steps.txt; ${untilThere('go-two')}`),
    shell('echo three >> steps.txt'),
    { text: 'All three steps are done.' },
  ],
  /** A long command the first time it is asked; then it says what it was sent. */
  // biome-ignore lint/suspicious/noThenProperty: this is what a step of the fake model is made of
  once_long: [shell('echo $$ > tool.pid; sleep 40; echo finished > long.txt', { times: 1, then: { echo: true } })],
};
