/** The verbs that a person or a script waits for, each against a bare start of Node. */
import { clip, createHome } from './bench-home.ts';
import { paired, timeProcess } from './measure.ts';
import { type BenchRow, formatMs, ratioResult, rounds } from './row.ts';

const node = process.execPath;

type Verb = {
  readonly args: readonly string[];
  readonly most: number;
  /** The exit code, if it is not 0. */
  readonly exit?: number;
  /** Runs before each round, and is not measured. */
  readonly prepare?: (home: Home) => Promise<void>;
};
type Home = ReturnType<typeof createHome>;

const terminalMost = 1.8;
const jsonMost = 1.4;
const reading = [
  ['status'],
  ['show', '1'],
  ['runs'],
  ['ledger'],
  ['task', 'list'],
  ['task', 'show', 'T1'],
  ['agent', 'list'],
];

const verbs: readonly Verb[] = [
  ...reading.map((args) => ({ args, most: terminalMost })),
  { args: ['logs', '1'], most: terminalMost },
  { args: ['handoff', 'T1'], most: terminalMost },
  ...reading.map((args) => ({ args: [...args, '--json'], most: jsonMost })),
  { args: ['handoff', 'T1', '--json'], most: jsonMost },
  { args: ['run', '-q', '--', 'true'], most: terminalMost },
  {
    args: ['cancel', '@last'],
    most: terminalMost,
    prepare: async (home) => {
      await home.run(['run', '-q', '--', 'sleep', '1000']);
    },
  },
  { args: ['wait', '1'], most: terminalMost },
  { args: ['completions', '--complete', 'run', '--'], most: terminalMost },
  { args: ['completions', '--complete', 'show', ''], most: terminalMost },
  { args: ['--help'], most: 2.2 },
  { args: ['help', 'run'], most: 2.2 },
  { args: ['runs', '--limt', '3'], most: 2.2, exit: 2 },
];

/** One row for each verb. All of them use one home, which the first row creates and the last one ends. */
export const verbRows: readonly BenchRow[] = verbs.map((verb, index) => ({
  name: 'verbs',
  what: `clip ${verb.args.map((word) => word || "''").join(' ')}`,
  against: 'node -e 0',
  target: `≤ ${verb.most}×`,
  measure: async () => {
    home ??= await createUsedHome();
    const used = home;
    const result = await paired(
      rounds(25),
      async () => {
        await verb.prepare?.(used);
        return timeProcess(node, [clip, ...verb.args], { env: used.env, cwd: used.base }, verb.exit ?? 0);
      },
      () => timeProcess(node, ['-e', '0'], { env: used.env }),
    );
    if (index === verbs.length - 1) await used.end();
    return ratioResult(result.ratio, verb.most, `${formatMs(result.a)}; floor ${formatMs(result.b)}`);
  },
}));

let home: Home | null = null;

/** Creates a home with some runs, an agent, and a task that one of its runs has served. */
async function createUsedHome(): Promise<Home> {
  const created = createHome(4);
  await created.run(['run', '--wait', '-q', '--', 'echo', 'one line']);
  await created.run(['agent', 'add', 'plain', '--adapter', 'plain', '--command', 'cat']);
  await created.run(['task', 'add', 'A title', '--assign', 'me']);
  await created.run(['run', '--wait', '-q', '--agent', 'plain', '--task', 'T1', 'a prompt']);
  return created;
}
