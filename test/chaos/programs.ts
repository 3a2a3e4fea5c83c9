/**
 * The programs of a chaos round: which fixture, with which steps and options. These functions only draw random values.
 */
import { type AgentStep, codexSays } from '../support/agents.ts';
import type { Chance } from './chance.ts';

/** A program. `steps` are those of keeps-account.mjs; null selects the shell script that only starts and ends. */
export type Program = {
  readonly kind: Kind;
  readonly code: number;
  readonly steps: readonly string[] | null;
  readonly options: readonly string[];
};
type Kind = keyof typeof kinds;

const kinds = { brief: 5, talker: 5, escapee: 3, stubborn: 3, flood: 2, sleeper: 2, mute: 1, nests: 1 };

/** Returns a random program. `exact`: it must account for every byte even on a full disk, which a shell cannot do. */
export function drawProgram(chance: Chance, exact: boolean): Program {
  const kind = chance.weighed(kinds);
  const code = chance.happens(0.55) ? 0 : chance.oneOf([1, 2, 7, 42, 77, 137, 255]);
  const merged = chance.happens(0.1);
  const lock = chance.happens(0.25) ? chance.oneOf(['a', 'b']) : null;
  const steps = kind === 'brief' && !exact && lock === null ? null : stepsOf(chance, kind);
  const graceMs = chance.whole(2, 10) * 100;
  const options = [
    '--grace',
    `${graceMs}ms`,
    ...(chance.happens(0.5) ? ['--on-loss', chance.oneOf(['retry', 'retry', 'fail'])] : []),
    ...(chance.happens(0.15) ? ['--timeout', `${chance.whole(3, 20) * 100}ms`] : []),
    ...(chance.happens(0.15) ? ['--priority', String(chance.whole(-2, 3))] : []),
    ...(kind === 'mute' ? ['--silence', '1s'] : []),
    ...(kind === 'flood' && chance.happens(0.3) ? ['--max-output', '200K'] : []),
    ...(lock === null ? [] : ['--lock', lock]),
    ...(merged && steps !== null ? ['--merge-output'] : []),
  ];
  if (steps === null) return { kind, code, steps, options };
  return {
    kind,
    code,
    options,
    steps: [...(merged ? ['merged'] : []), ...(lock === null ? [] : [`lock:${lock}`]), ...steps],
  };
}

function stepsOf(chance: Chance, kind: Kind): string[] {
  const talk = (most: number) => `talk:${chance.whole(3, most)}:${chance.whole(5, 60)}`;
  switch (kind) {
    case 'brief':
      return ['talk:2:0'];
    case 'talker':
      return [talk(40)];
    case 'escapee':
      return [chance.oneOf(['leave', 'leave-deaf', 'child']), talk(12), ...(chance.happens(0.5) ? ['leave'] : [])];
    case 'stubborn':
      return ['deaf', ...(chance.happens(0.3) ? ['leave-deaf'] : []), talk(30)];
    case 'flood':
      return ['talk:1:0', `flood:${chance.whole(50, 1_000)}`, ...(chance.happens(0.5) ? ['wait:1200'] : [])];
    case 'sleeper':
      return ['talk:1:0', 'child', `wait:${chance.whole(3, 25) * 100}`];
    case 'mute':
      return ['talk:1:0', 'wait:4000'];
    case 'nests':
      return ['talk:2:10', 'nest', 'talk:2:10'];
  }
}

const { session, words, command, change, done, failed } = codexSays;
const pause = (ms: number): AgentStep => ({ pause: ms });

/** Returns the steps of an agent for each of its starts. Each start has a session of its own. */
export function drawScripts(chance: Chance): AgentStep[][] {
  return Array.from({ length: 12 }, (_, n) => drawScript(chance, n));
}

function drawScript(chance: Chance, n: number): AgentStep[] {
  const begins = [
    session(`s${n}`),
    words('I begin.'),
    command('a', 'make build'),
    { complain: 'Hm.' },
    pause(chance.whole(0, 60) * 10),
  ];
  const leaves: AgentStep[] = chance.happens(0.3) ? [{ leave: true }] : [];
  switch (chance.weighed({ plans: 3, changes: 3, reports: 3, fails: 1, refuses: 1, says: 1 })) {
    case 'plans':
      return [
        session(`s${n}`),
        words('I will inspect the repo next and then implement the fix.'),
        done(10, 1),
        ...leaves,
        { exit: 0 },
      ];
    case 'changes':
      return [...begins, change('b', `src/${n}.ts`), words('I have changed it.'), done(10, 1), ...leaves, { exit: 0 }];
    case 'reports':
      // Its output on standard error may arrive after its run has ended, and is then not read.
      return [
        ...begins,
        { run: '"$CLIP_BIN" report done "It is fixed." 2>/dev/null' },
        words('It is fixed.'),
        done(10, 1),
        ...leaves,
        { exit: 0 },
      ];
    case 'fails':
      return [...begins, ...leaves, { exit: 3 }];
    case 'refuses':
      return [...begins, failed('The tool crashed.'), ...leaves, { exit: 0 }];
    case 'says':
      return [
        ...begins,
        words('The parser lives in src/parse.ts and has three entry points.'),
        done(10, 1),
        { exit: 0 },
      ];
  }
}
