/**
 * Entry of clip-http: a run of an agent that is asked over HTTP. It is a process like any other agent, so
 * that time limit, cancel, logs and exit code need no rules of their own.
 *
 * Standard input is the prompt. Standard output is the answer, and in its last line what went wrong.
 * Exit: 0 it went well; 1 it did not; 2 bad arguments; 130 and 143 it was told to stop, and has passed it on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../run/limits.ts';
import { type Job, readArguments } from './arguments.ts';
import { cancel } from './cancel.ts';
import { type Conversation, createConversation } from './converse.ts';
import { Failure, failedLine } from './failure.ts';
import { createLog } from './log.ts';

const log = createLog(process.stdout);
const complaints = createLog(process.stderr);
// Nobody can be told where nothing can be written; the exit code still says that it went wrong.
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
    // A second signal makes it no faster: the cancel has its own limit.
    if (stopped) return;
    stopped = true;
    const told = job === null || conversation === null ? Promise.resolve() : cancel(job, conversation.cancelUrl(), complaints);
    told.finally(() => {
      conversation?.breakOff();
      leave(code, limits.httpFlushMs);
    });
  });
}

main().then(
  (code) => stopped || leave(code, null),
  // Only a bug comes here.
  (error: Error) => {
    console.error(error.stack ?? error.message);
    process.exit(1);
  },
);

/** Leaves once all is written; a pipe that nobody reads is waited for no longer than this, if we were told to stop. */
function leave(code: number, mostMs: number | null): void {
  if (mostMs !== null) setTimeout(() => process.exit(code), mostMs);
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

async function main(): Promise<number> {
  try {
    job = readArguments(process.argv.slice(2), process.env);
    conversation = createConversation(job, { log, complaints, pause: sleep, now: Date.now });
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
