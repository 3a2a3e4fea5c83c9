/** Tasks of scripted agents in a home, and their results. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventView, RunView } from '#protocol/answers.ts';
import type { CommentView, DocumentHeadView, TaskView, WakeView } from '#protocol/tasks.ts';
import { type AgentStep, addSpeaker, codexSays } from './agents.ts';
import { createHome, program, type TestHome } from './home.ts';
import { until } from './until.ts';

export type TaskShown = {
  task: TaskView;
  comments: CommentView[];
  documents: DocumentHeadView[];
  wakes: WakeView[];
  activity: EventView[];
};

const { session, words, done, change, command } = codexSays;

/** Ends of an agent's run. */
export const ends = {
  plans: [session('s1'), words('I will inspect the repo next and then implement the fix.'), done(10, 1), { exit: 0 }],
  saysNothing: [session('s1'), done(10, 1), { exit: 0 }],
  changes: [session('s1'), change('a', 'src/a.ts'), words('Changed.'), done(10, 1), { exit: 0 }],
  /** The agent works, but no change remains. */
  builds: [session('s1'), command('a', 'make build'), words('Built.'), done(10, 1), { exit: 0 }],
  explains: [
    session('s1'),
    words('The parser lives in src/parse.ts and has three entry points.'),
    done(10, 1),
    { exit: 0 },
  ],
  fails: [session('s1'), words('Hm.'), { complain: 'Boom.' }, { exit: 1 }],
} satisfies Record<string, readonly AgentStep[]>;

/** Returns a step that runs clip inside the run, as the agent itself would. */
export const clipStep = (args: string): AgentStep => ({ run: `node '${program}' ${args}` });

/**
 * Creates a home with an agent that follows these scripts, one for each of its starts. `{await}` steps wait for the
 * gate.
 */
export async function homeWith(
  scripts: (gate: string) => readonly (readonly AgentStep[])[],
  options: readonly string[] = [],
) {
  const home = createHome();
  const gate = join(home.base, 'gate');
  const agent = await addSpeaker(home, scripts(gate), options);
  return { home, seen: agent.seen, gate, open: (path: string = gate) => writeFileSync(path, '') };
}

/** Returns the steps of a run that lives until its gate is opened, and then changes a file. */
export const gated = (gate: string): readonly AgentStep[] => [session('s1'), { await: gate }, ...ends.changes.slice(1)];

export async function addTask(
  home: TestHome,
  options: readonly string[] = ['--assign', 'coder'],
  title = 'Fix the parser',
): Promise<number> {
  const added = await home.clip(['task', 'add', title, ...options]);
  if (added.code !== 0) throw new Error(added.stderr);
  return Number(added.stdout.trim().slice(1));
}

export const shownTask = (home: TestHome, task: number): Promise<TaskShown> =>
  home.asked<TaskShown>(`/v1/tasks/${task}`, ['task', 'show', `T${task}`, '--json']);

/** Returns all runs of the task, the oldest first. */
export async function runsOf(home: TestHome, task: number): Promise<RunView[]> {
  return (
    await home.asked<{ runs: RunView[] }>(`/v1/runs?task=${task}&limit=100`, [
      'runs',
      '--task',
      `T${task}`,
      '--limit',
      '100',
      '--json',
    ])
  ).runs.reverse();
}

/** Waits until the task has this many runs and the last of them has one of these statuses. Returns its runs. */
export function untilRun(
  home: TestHome,
  task: number,
  nth: number,
  ...statuses: RunView['status'][]
): Promise<RunView[]> {
  return until(`run ${nth} of T${task} is ${statuses.join(' or ')}`, async () => {
    const runs = await runsOf(home, task);
    const run = runs[nth - 1];
    return run !== undefined && statuses.includes(run.status) ? runs : null;
  });
}

/**
 * Returns the task and its runs after all runs have settled and no wake is pending. `ms`: an upper bound, for tasks of
 * many runs.
 */
export function atRest(home: TestHome, task: number, ms = 50_000): Promise<TaskShown & { runs: RunView[] }> {
  const look = async () => {
    const runs = await runsOf(home, task);
    const shown = await shownTask(home, task);
    const waits = shown.wakes.some(({ status }) => ['queued', 'deferred', 'claimed'].includes(status));
    return runs.length > 0 && runs.every(({ settled }) => settled) && !waits ? { ...shown, runs } : null;
  };
  return until(`T${task} is at rest`, look, ms);
}

export async function events(home: TestHome, type: string): Promise<EventView[]> {
  const { stdout } = await home.clip(['events', '--since', '0']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as EventView)
    .filter((event) => event.type === type);
}
