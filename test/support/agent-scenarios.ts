/** Tests of one scenario with one CLI. The table shows each result, whether the test passed or failed. */
import { describe, inject, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { adapterNames, type CliName } from './agent-clis.ts';
import { record, type ScenarioName } from './agent-table.ts';

/** Defines the test `sentence`. The test returns the run whose end the table shows. */
export type Scenario = (name: ScenarioName, sentence: string, test: () => Promise<RunView>) => void;

/** Defines the same tests for every CLI, or for these. A CLI that is not installed is skipped. */
export function withEachCli(
  tests: (cli: CliName, scenario: Scenario) => void,
  names: readonly CliName[] = adapterNames,
): void {
  for (const cli of names) {
    const { why } = inject('programs')[cli];
    describe.skipIf(why !== null)(why === null ? cli : `${cli} (skipped: it is not there)`, () => {
      tests(cli, (name, sentence, test) => {
        it(sentence, async () => {
          try {
            const run = await test();
            record(inject('results'), { cli, scenario: name, result: inShort(run), problem: null });
          } catch (error) {
            record(inject('results'), { cli, scenario: name, ...whatFailed(error) });
            throw error;
          }
        });
      });
    });
  }
}

function inShort(run: RunView): string {
  const seconds =
    run.startedAt && run.endedAt
      ? ` ${((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000).toFixed(1)} s`
      : '';
  return `${run.status}${run.errorCode === null || run.errorCode === run.status ? '' : ` ${run.errorCode}`}${run.livenessState === null || run.livenessState === run.status ? '' : ` (${run.livenessState})`}${seconds}`;
}

/** Returns a short description of a failed test: the fields of the run that differ, or the first line of the error. */
function whatFailed(error: unknown): { result: string; problem: string } {
  const { actual, expected, message } = error as { actual?: unknown; expected?: unknown; message?: string };
  const [line = ''] = (message ?? String(error)).split('\n');
  if (!isObject(actual) || !isObject(expected) || 'asymmetricMatch' in expected)
    return { result: 'failed', problem: line.slice(0, 300) };
  return {
    result: typeof actual['status'] === 'string' ? actual['status'] : 'failed',
    problem: differences(expected, actual).join('; ').slice(0, 300) || line,
  };
}

function differences(expected: Fields, actual: Fields): string[] {
  return Object.entries(expected).flatMap(([key, wanted]) => {
    const got = actual[key];
    if (isObject(wanted) && typeof wanted['asymmetricMatch'] === 'function')
      return wanted['asymmetricMatch'](got) ? [] : [`${key} is ${JSON.stringify(got)}`];
    if (isObject(wanted) && isObject(got)) return differences(wanted, got);
    return JSON.stringify(wanted) === JSON.stringify(got)
      ? []
      : [`${key} is ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`];
  });
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
