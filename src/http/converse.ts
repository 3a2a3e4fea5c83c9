/**
 * One run of an HTTP agent: the request, its answer, and as long as the answer says "not yet" the same
 * question again where it said. Whether it went well is what the last answer says; without a word on it,
 * an answer with a status of success is one.
 */
import type { Job } from './arguments.ts';
import { Failure, finalLine, pendingLine, retryingLine, shown } from './failure.ts';
import type { Json } from './lines.ts';
import type { Log } from './log.ts';
import { nextPause, retryAfterMs } from './pause.ts';
import { adviceFor, reasonIn } from './reason.ts';
import { createRelay, type Relay } from './relay.ts';
import { type Answer, mayFollow, send } from './send.ts';
import { failedWords, unfinishedWords } from './words.ts';

export type Conversation = {
  /** Resolves to whether it went well. */
  readonly run: (prompt: string) => Promise<boolean>;
  /** Where the agent wants to be told that it shall stop, as far as it has said. */
  readonly cancelUrl: () => URL | null;
  /** No more of its answer is waited for: what is held back of it goes to the log. */
  readonly breakOff: () => void;
};

type Outside = { readonly log: Log; readonly complaints: Log; readonly pause: (ms: number) => Promise<void>; readonly now: () => number };
type Heard = { readonly status: string | null; readonly askAt: URL | null; readonly retryAfterMs: number | null; readonly first: string | null };

/** A failure that goes on is said again after this. It may go on for days, and each time is a line. */
const retryingSaidMs = 60_000;

export function createConversation(job: Job, { log, complaints, pause, now }: Outside): Conversation {
  let cancelAt: URL | null = job.cancelUrl;
  let relay: Relay | null = null;
  /** The last of our own lines was that it goes on. */
  let waiting = false;
  /** Why the agent is not listened to any further. */
  let refused: Error | null = null;

  async function run(prompt: string): Promise<boolean> {
    const body = job.method === 'GET' ? null : Buffer.from(JSON.stringify({ ...job.context, prompt }));
    let heard = await hear(await send({ url: job.url, method: job.method, headers: job.headers, body }), null);
    let waited: number | null = null;
    while (heard.askAt !== null) {
      waited = nextPause(job.pollMs, waited);
      heard = await askAgain(heard.askAt, heard, heard.retryAfterMs ?? waited);
    }
    return !failedWords.includes(heard.status ?? '');
  }

  /** Asks until there is an answer: what fails for a moment is tried again, for as long as the run may last. */
  async function askAgain(url: URL, before: Heard, firstPauseMs: number): Promise<Heard> {
    let pauseMs = firstPauseMs;
    let saidAt: number | null = null;
    for (let attempt = 1; ; attempt += 1) {
      await pause(pauseMs);
      const written = log.size();
      try {
        return await hear(await send({ url, method: 'GET', headers: job.headers, body: null }), { ...before, askAt: url });
      } catch (error) {
        // What has been written in part would be written twice.
        if (!(error instanceof Failure && error.passes) || log.size() > written) throw error;
        relay = null;
        if (saidAt === null || now() - saidAt >= retryingSaidMs) {
          saidAt = now();
          complaints.line(retryingLine(attempt, error.message));
        }
        pauseMs = error.retryAfterMs ?? nextPause(job.pollMs, pauseMs);
      }
    }
  }

  /** Puts an answer into the log. `before`: what was heard last, when this is the answer to a question how it gets on. */
  async function hear(answer: Answer, before: Heard | null): Promise<Heard> {
    if (answer.status < 200 || answer.status > 299) throw await refusal(answer, now());
    let said: { status: string | null; statusUrl: string | null } = { status: null, statusUrl: null };
    const onObject = (object: Json) => {
      said = { status: textOf(object['status']) ?? said.status, statusUrl: textOf(object['statusUrl']) ?? said.statusUrl };
      const url = textOf(object['cancelUrl']);
      if (url !== null && job.cancelUrl === null) nameCancel(url, answer);
    };
    const goesOn = () => answer.status === 202 || unfinishedWords.includes(said.status ?? '');
    const written = log.size();
    const first = await pass(answer, { onObject, lineBefore: () => (goesOn() ? null : noMoreWaiting()), known: before?.first ?? null });
    const place = said.statusUrl ?? (answer.status === 202 ? (answer.headers.location ?? null) : null);
    const askAt = place === null ? (before?.askAt ?? null) : within(place, answer, 'status');
    const next = goesOn() ? askAt : null;
    // After each answer that is written: one of its lines may have looked like an end.
    const line = next === null ? noMoreWaiting() : !waiting || log.size() > written ? pendingLine : null;
    waiting = next !== null;
    if (line !== null) log.line(line);
    return { status: said.status, askAt: next, retryAfterMs: retryAfterMs(answer.headers, now()), first };
  }

  async function pass(answer: Answer, watch: Parameters<typeof createRelay>[1]): Promise<string | null> {
    const passing = createRelay(log, watch);
    relay = passing;
    for await (const chunk of body(answer)) {
      passing.take(chunk);
      if (refused !== null) throw refused;
      await log.room();
    }
    passing.end();
    relay = null;
    if (refused !== null) throw refused;
    return passing.first();
  }

  /** Throws nothing: what the agent said shall be in the log before it is refused. */
  function nameCancel(url: string, answer: Answer): void {
    try {
      cancelAt = within(url, answer, 'cancel');
    } catch (error) {
      refused = error as Error;
    }
  }

  function noMoreWaiting(): string | null {
    if (!waiting) return null;
    waiting = false;
    return finalLine;
  }

  return { run, cancelUrl: () => cancelAt, breakOff: () => relay?.end() };
}

/** A URL that an answer names gets our headers: only its own host may be named. */
function within(text: string, { url }: Answer, what: string): URL {
  const to = URL.parse(text, url.href);
  if (to === null) throw new Failure('redirect', `${shown(url)} names a ${what} URL that is none.`);
  if (mayFollow(url, to)) return to;
  throw new Failure(
    'redirect',
    `${shown(url)} names a ${what} URL on another host, ${shown(to)}, which would get the headers. It must be on the host of the agent.`,
  );
}

async function* body({ url, body: bytes }: Answer): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new Failure(
      'broken_off',
      `${shown(url)} hung up in the middle of its answer (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}).`,
    );
  }
}

/** An answer that is no success, with the reason it gives. */
async function refusal({ url, status, headers, body: bytes }: Answer, now: number): Promise<Failure> {
  const reason = await reasonIn(bytes);
  const message = `${shown(url)} answered ${status}${reason === '' ? '' : `: ${reason}`}${adviceFor(status)}`;
  return new Failure('status', message, { status, retryAfterMs: retryAfterMs(headers, now) });
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
