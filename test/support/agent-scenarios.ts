/** Tests of one scenario with one CLI, whose result is told in the table, good or bad. */
import { describe, inject, it } from 'vitest';
import type { RunView } from '../../src/protocol/answers.ts';
import { type CliName, cliNames } from './agent-clis.ts';
import { record } from './agent-table.ts';

/** Begins the test `sentence`; it gives the run whose end stands in the table. */
export type Scenario = (name: string, sentence: string, test: () => Promise<RunView>) => void;

/** The same tests for every CLI; one that is not installed is skipped. */
export function withEachCli(tests: (cli: CliName, scenario: Scenario) => void): void {
  for (const cli of cliNames) {
    const { why } = inject('programs')[cli];
    describe.skipIf(why !== null)(why === null ? cli : `${cli} (skipped, it could not be installed)`, () => {
      tests(cli, (name, sentence, test) => {
        it(sentence, async () => {
          const seen: RunView[] = [];
          try {
            seen.push(await test());
            record(inject('results'), { cli, scenario: name, result: inShort(seen[0]), problem: null });
          } catch (error) {
            const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
            record(inject('results'), { cli, scenario: name, result: 'failed', problem: line.slice(0, 300) });
            throw error;
          }
        });
      });
    });
  }
}

function inShort(run: RunView | undefined): string {
  if (run === undefined) return 'no run';
  const seconds = run.startedAt && run.endedAt ? ` ${((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000).toFixed(1)} s` : '';
  return `${run.status}${run.errorCode === null || run.errorCode === run.status ? '' : ` ${run.errorCode}`}${seconds}`;
}
