/** Scenarios in addition to those of the fake model: its answer to each prompt, step by step. */
import type { Scenario, Step } from '../support/fake-model-server.mjs';

const shell = (command: string, more: Step = {}): Step => ({ tool: 'shell', command, timeout: 120_000, ...more });
const untilThere = (file: string) => `until [ -e ${file} ]; do sleep 0.1; done`;

export const scenarios: Readonly<Record<string, Scenario>> = {
  /** Three commands. The first two run until the test creates a file. */
  three_gated: [
    shell(`echo one >> steps.txt; ${untilThere('go-one')}`),
    shell(`echo two >> steps.txt; ${untilThere('go-two')}`),
    shell('echo three >> steps.txt'),
    { text: 'All three steps are done.' },
  ],
  /** The first answer is a long command. The next answer repeats the prompt it received. */
  // biome-ignore lint/suspicious/noThenProperty: this is what a step of the fake model is made of
  once_long: [shell('echo $$ > tool.pid; sleep 40; echo finished > long.txt', { times: 1, then: { echo: true } })],
  /** A task: the agent plans, writes a file when it is asked to continue, and then reports that it is done. */
  plan_then_work: {
    prompts: [
      {
        has: 'run_advanced_continuation',
        steps: [shell('clip report done "written.txt is there"'), { text: 'It is reported.' }],
      },
      {
        has: 'Attempt 1 of 2',
        steps: [
          { tool: 'write', file: 'written.txt', content: 'hello from the write tool\n' },
          { text: 'The file is written.' },
        ],
      },
      { steps: [{ text: 'I will inspect the repo next and then implement the change.' }] },
    ],
  },
  /** The second write has the same content, which is no progress. */
  same_bytes: [
    { tool: 'write', file: 'written.txt', content: 'hello\n' },
    { text: 'All done. The change is in place.' },
  ],
  touch: [shell('touch touched.txt'), { text: 'I touched the file.' }],
  growing_log: [shell('date +%N >> test.log'), { text: 'I ran the tests and wrote the log.' }],
  two_states: [
    shell('if [ "$(cat state.txt 2>/dev/null)" = one ]; then echo two > state.txt; else echo one > state.txt; fi'),
    { text: 'I changed the state.' },
  ],
  revert: [
    shell('if [ -e new.txt ]; then git clean -q -f new.txt; else echo new > new.txt; fi'),
    { text: 'I changed the file.' },
  ],
  /** The agent only reads, while a person writes. */
  reads_gated: [shell(`cat mine.txt; ${untilThere('../go')}`), { text: 'I looked at the file. It holds one line.' }],
  /** One command after the other, forever. Each model call takes some time. */
  endless: [shell('echo {{n}} >> loop.txt', { forever: true, delayMs: 1_200 })],
  report_done: [shell('clip report done "all of it, checked"'), { text: 'It is reported.' }],
  /** A report combined with a command that is not permitted. */
  report_and_more: [
    shell('clip report done "all of it" && touch more.txt'),
    shell('clip report done "all of it" > more.txt'),
    shell('clip report done "all of it $(touch more.txt)"'),
    { text: 'It is reported.' },
  ],
};
