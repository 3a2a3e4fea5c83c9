import type { Command } from 'commander';
import type { DaemonAnswer, RunView } from '#protocol/answers.ts';
import type { Register } from '../command.ts';
import { Stage } from '../demo/stage.ts';
import { formatDuration } from '../format/format.ts';

/** Adds `clip demo`. */
export function addDemo(command: Command, register: Register): void {
  command.action(() =>
    register({}, async (context) => {
      const begun = Date.now();
      const stage = new Stage(context);
      const stop = () => void stage.clear().then(() => process.exit(130));
      process.once('SIGINT', stop);
      try {
        await play(stage);
        await stage.tell(
          `That took ${formatDuration(Date.now() - begun)}. Its home is removed again; yours was not touched.`,
          'Next, with an agent of your own:',
          '  clip agent add coder --adapter claude --permission edit    (or codex, gemini, opencode)',
          '  clip agent check coder',
          '  clip task add "…" --assign coder',
        );
        return 0;
      } finally {
        process.off('SIGINT', stop);
        await stage.clear();
      }
    }),
  );
}

/** Plays the demo: a plan instead of work, a continuation, two deaths in the middle of it, and the finished work. */
async function play(stage: Stage): Promise<void> {
  await playPlan(stage);
  const second = await waitForWork(stage);
  const daemon = await playDaemonDeath(stage);
  await playLoss(stage, second, daemon);
  await playEnd(stage);
}

/** Plays run 1, which plans instead of working. */
async function playPlan(stage: Stage): Promise<void> {
  await stage.tell('A scripted agent, and a small task: add() is wrong, and its test fails.');
  await stage.type('agent', 'add', 'scripted', '--mapping', stage.mapping);
  const about = ['--description', 'node test.js fails', '--accept', 'node test.js passes'];
  await stage.type('task', 'add', 'Make the test pass', ...about, '--assign', 'scripted');
  const { nextAction, livenessState, maxContinuationAttempts } = await waitForVerdict(stage, 1, 'first');
  await stage.tell(
    `Run 1 ended with exit code 0. But it did nothing: "${nextAction}"`,
    `clip calls that ${livenessState}, and tells the agent to act: ` +
      `continuation attempt 1 of ${maxContinuationAttempts ?? 2}.`,
  );
}

/** Waits until run 2 has changed files. */
async function waitForWork(stage: Stage): Promise<RunView> {
  return stage.until('the second run is at work', async () =>
    (await stage.runs()).find(
      ({ number, status, evidence }) => number === 2 && status === 'running' && (evidence?.filesChanged ?? 0) > 0,
    ),
  );
}

/** Kills the daemon, and returns its successor. */
async function playDaemonDeath(stage: Stage): Promise<DaemonAnswer> {
  await stage.tell('Run 2 has run the test and keeps notes. In the middle of its work, we kill the daemon:');
  const daemon = await stage.daemon();
  stage.kill(daemon.pid);
  const next = await stage.until('another daemon is there', async () => {
    const found = await stage.daemon();
    return found.running && found.pid !== daemon.pid ? found : null;
  });
  const still = await stage.until('run 2 is known again', async () =>
    (await stage.runs()).find(({ number }) => number === 2),
  );
  await stage.tell(
    `The keeper has started another (pid ${next.pid}). ` +
      `Run 2 is ${still.status}: same process, nothing of its output lost.`,
  );
  return next;
}

/** Kills the keepers and the agent of run 2. */
async function playLoss(stage: Stage, second: RunView, { keepers }: DaemonAnswer): Promise<void> {
  await stage.tell('Now what happens when memory runs out: the keeper and the agent die, both at once.');
  for (const { pid } of keepers) stage.kill(pid);
  if (second.processPid !== null) stage.kill(second.processPid);
  const { status, stopReason, exitCode } = await stage.until('run 2 is lost', async () =>
    (await stage.runs()).find(({ number, endedAt }) => number === 2 && endedAt !== null),
  );
  const code = exitCode === null ? 'unknown, and clip does not invent one' : exitCode;
  await stage.tell(`Run 2 ${status}: ${stopReason}. Its exit code is ${code}.`);
}

/** Plays run 3, which finishes the task, and shows what is recorded of it. */
async function playEnd(stage: Stage): Promise<void> {
  const third = await waitForVerdict(stage, 3, 'third');
  await stage.tell(
    `Run 3 took it up by itself, in the same session, with the continuation summary: ${third.livenessState}.`,
    `${third.livenessReason ?? ''} It reported the task done, so it waits for you:`,
  );
  await stage.type('status');
  await stage.type('task', 'done', 'T1');
  await stage.tell('The ledger has all of it, and the handoff is what a next run would be told:');
  await stage.type('ledger', 'T1');
  await stage.type('handoff', 'T1');
}

async function waitForVerdict(stage: Stage, which: number, ordinal: string): Promise<RunView> {
  return stage.until(`the ${ordinal} run has been judged`, async () =>
    (await stage.runs()).find(({ number, decision }) => number === which && decision !== null),
  );
}
