import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ReportAnswer } from '#protocol/answers.ts';
import { type ReportKind, reportKinds, reportLine, type SentReport } from '#run/agent-report.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { describeArguments } from './options.ts';
import { readInput } from './run-request.ts';

type Options = { who?: string; json?: boolean };

/** A restarting daemon is back within this time. */
const awayMs = 10_000;
const againMs = 200;

/** Adds `clip report`. */
export function addReport(command: Command, register: Register): void {
  describeArguments(command, 'what kind of report it is', 'what there is to say, in a sentence or two; - reads it');
  command.registeredArguments[0]?.choices(reportKinds);
  command
    .option('--who <name>', 'with blocked: who can help')
    .option('--json', 'as JSON')
    .action((kind: ReportKind, words: string[], options: Options) =>
      register(options, (context) => report(context, { kind, words, who: options.who ?? null })),
    );
}

async function report(
  context: Context,
  asked: { kind: ReportKind; words: readonly string[]; who: string | null },
): Promise<number> {
  const { run, token } = requireRun(context);
  const { kind, who } = asked;
  if (who !== null && kind !== 'blocked')
    throw new ClipError('usage', '--who says who can lift a blocker.', 'It goes with clip report blocked.');
  if (who !== null && who.length > limits.nameLength)
    throw new ClipError('usage', `--who: at most ${limits.nameLength} characters.`);
  const sent: SentReport = { token, id: randomUUID(), kind, text: readText(asked.words), who };
  const answer = await send(context, run, sent);
  if (answer === null) {
    context.print(reportLine(sent));
    context.notice(
      'The socket of clip cannot be used from here; the report goes along in this line of output, which clip reads.',
    );
  } else if (context.json) context.printJson(answer);
  else context.print(`Reported for run ${answer.run}: ${kind}.`);
  return 0;
}

function requireRun({ env, insideRun }: Context): { run: string; token: string } {
  const token = env['CLIP_RUN_TOKEN'];
  if (insideRun === null)
    throw new ClipError(
      'refused',
      'clip report works only inside a run: it says something of the run that it is part of.',
      'Runs are started with clip run; CLIP_RUN_ID and CLIP_RUN_TOKEN in their environment are how they are known.',
    );
  if (!token)
    throw new ClipError(
      'refused',
      'CLIP_RUN_TOKEN is not in the environment, so this run cannot prove that it is the one that reports.',
      'Some agent CLIs hide variables called TOKEN from their tools; ' +
        'for codex: -c shell_environment_policy.ignore_default_excludes=true.',
    );
  return { run: insideRun, token };
}

function readText(words: readonly string[]): string {
  const text = (
    words.length === 1 && words[0] === '-'
      ? readInput(limits.bodyBytesMax, 'A report is a few sentences; put the rest into a document.').toString('utf8')
      : words.join(' ')
  ).trim();
  if (text === '')
    throw new ClipError(
      'usage',
      'The report says nothing.',
      'Say what there is to say: clip report next "write the tests"',
    );
  if (text.length > limits.reportTextLength)
    throw new ClipError(
      'usage',
      `The report has ${text.length} characters; at most ${limits.reportTextLength} fit.`,
      'Say it in a few sentences, and put what is longer into a file.',
    );
  return text;
}

/**
 * Sends the report. Returns null when a sandbox denies access to the socket. It waits for a daemon that has just gone,
 * but never starts one: the daemon would live in the sandbox and die with the run.
 */
async function send(context: Context, run: string, sent: SentReport): Promise<ReportAnswer | null> {
  const until = Date.now() + awayMs;
  for (;;) {
    try {
      return await context
        .client(false)
        .call<ReportAnswer>('POST', `/v1/runs/${encodeURIComponent(run)}/reports`, sent);
    } catch (error) {
      if (!(error instanceof ClipError)) throw error;
      if (error.code === 'no_permission' || !existsSync(context.home.folder)) return null;
      // Only a broken connection is retried, not an error response.
      if (error.code !== 'unreachable' || error.cause === undefined) throw error;
      if (Date.now() > until)
        throw new ClipError(
          'unreachable',
          `The daemon did not come back within ${awayMs / 1_000} s, so nothing was reported.`,
          'Outside of the run: clip daemon start',
          error,
        );
    }
    await sleep(againMs);
  }
}
