/**
 * Entry point of clip-http: a run of an agent behind HTTP. It is a process like any other agent, so time limit, cancel,
 * logs and exit code need no special rules.
 *
 * Standard input is the prompt. Standard output is the response, with a failure in its last line.
 * Exit codes: 0 success; 1 failure; 2 invalid arguments; 130 and 143 stopped by a signal, which was passed on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from './agent-log.ts';
import { type Job, readArguments } from './arguments.ts';
import { cancel } from './cancel-request.ts';
import { Failure, failedLine } from './failure.ts';
import { httpLimits } from './limits.ts';
import { Conversation } from './poll.ts';

const log = createLog(process.stdout);
const complaints = createLog(process.stderr);
// When the log cannot be written, only the exit code can report the failure.
process.stdout.on('error', () => process.exit(1));
process.stderr.on('error', () => {});

let job: Job | null = null;
let conversation: Conversation | null = null;
let stopped = false;

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // A second signal has no effect: the cancel request has its own limit.
    if (stopped) return;
    stopped = true;
    const told =
      job === null || conversation === null ? Promise.resolve() : cancel(job, conversation.cancelUrl, complaints);
    told.finally(() => {
      conversation?.breakOff();
      leave(code, httpLimits.flushMs);
    });
  });
}

main().then(
  (code) => stopped || leave(code, null),
  // Only a bug leads here.
  (error: Error) => {
    console.error(error.stack ?? error.message);
    process.exit(1);
  },
);

/** Exits once everything is written. After a stop, it waits at most `mostMs` for a pipe that is not read. */
function leave(code: number, mostMs: number | null): void {
  if (mostMs !== null) setTimeout(() => process.exit(code), mostMs);
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

async function main(): Promise<number> {
  try {
    job = readArguments(process.argv.slice(2), process.env);
    conversation = new Conversation(job, { log, complaints, pause: sleep, now: Date.now });
    return (await conversation.run(await readPrompt())) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    conversation?.breakOff();
    if (!stopped) log.line(failedLine(error));
    return error.code === 'usage' ? 2 : 1;
  }
}

async function readPrompt(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
