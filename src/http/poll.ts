/**
 * One run of an HTTP agent: the request, its response, and further status requests for as long as the response says
 * "not yet". The last response decides about success. A response with a success status and no other information is a
 * success.
 */
import type { Job } from './arguments.ts';
import { adviceFor, reasonIn } from './error-reason.ts';
import { Failure, finalLine, pendingLine, retryingLine, shown } from './failure.ts';
import type { HttpLog } from './log.ts';
import { nextPause, retryAfterMs } from './poll-interval.ts';
import { createRelay, type Relay } from './relay.ts';
import type { Json } from './response-lines.ts';
import { type HttpReply, mayFollow, send } from './send.ts';
import { failedWords, unfinishedWords } from './status-words.ts';

export type Conversation = {
  /** Resolves to whether the run succeeded. */
  readonly run: (prompt: string) => Promise<boolean>;
  /** Returns the cancel URL, as far as the agent has named one. */
  readonly cancelUrl: () => URL | null;
  /** Stops waiting for the response. Held parts of it go to the log. */
  readonly breakOff: () => void;
};

type Outside = {
  readonly log: HttpLog;
  readonly complaints: HttpLog;
  readonly pause: (ms: number) => Promise<void>;
  readonly now: () => number;
};
type PollReply = {
  readonly status: string | null;
  readonly askAt: URL | null;
  readonly retryAfterMs: number | null;
  readonly first: string | null;
};

/** The interval at which a continuing failure is reported again. It may last for days, and each report is a line. */
const retryingSaidMs = 60_000;

export function createConversation(job: Job, { log, complaints, pause, now }: Outside): Conversation {
  let cancelAt: URL | null = job.cancelUrl;
  let relay: Relay | null = null;
  /** Whether clip's last line said that the job is pending. */
  let waiting = false;
  /** Why no further response is accepted. */
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

  /** Requests the status until there is a response. A temporary failure is retried for as long as the run may last. */
  async function askAgain(url: URL, before: PollReply, firstPauseMs: number): Promise<PollReply> {
    let pauseMs = firstPauseMs;
    let saidAt: number | null = null;
    for (let attempt = 1; ; attempt += 1) {
      await pause(pauseMs);
      const written = log.size();
      try {
        return await hear(await send({ url, method: 'GET', headers: job.headers, body: null }), {
          ...before,
          askAt: url,
        });
      } catch (error) {
        // A response that was partly written would be written twice.
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

  /** Writes a response into the log. `before`: the previous response, when this one answers a status request. */
  async function hear(answer: HttpReply, before: PollReply | null): Promise<PollReply> {
    if (answer.status < 200 || answer.status > 299) throw await refusal(answer, now());
    let said: { status: string | null; statusUrl: string | null } = { status: null, statusUrl: null };
    const onObject = (object: Json) => {
      said = {
        status: extractText(object['status']) ?? said.status,
        statusUrl: extractText(object['statusUrl']) ?? said.statusUrl,
      };
      const url = extractText(object['cancelUrl']);
      if (url !== null && job.cancelUrl === null) nameCancel(url, answer);
    };
    const goesOn = () => answer.status === 202 || unfinishedWords.includes(said.status ?? '');
    const written = log.size();
    const first = await pass(answer, {
      onObject,
      lineBefore: () => (goesOn() ? null : noMoreWaiting()),
      known: before?.first ?? null,
    });
    const place = said.statusUrl ?? (answer.status === 202 ? (answer.headers.location ?? null) : null);
    const askAt = place === null ? (before?.askAt ?? null) : within(place, answer, 'status');
    const next = goesOn() ? askAt : null;
    // After each written response, because one of its lines may have looked like a result.
    const line = next === null ? noMoreWaiting() : !waiting || log.size() > written ? pendingLine : null;
    waiting = next !== null;
    if (line !== null) log.line(line);
    return { status: said.status, askAt: next, retryAfterMs: retryAfterMs(answer.headers, now()), first };
  }

  async function pass(answer: HttpReply, watch: Parameters<typeof createRelay>[1]): Promise<string | null> {
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

  /** Stores the cancel URL. It never throws, because the response must be in the log before it is refused. */
  function nameCancel(url: string, answer: HttpReply): void {
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

/** Resolves a URL that a response names. It must be on the same host, because it gets the headers. */
function within(text: string, { url }: HttpReply, what: string): URL {
  const to = URL.parse(text, url.href);
  if (to === null) throw new Failure('redirect', `${shown(url)} names a ${what} URL that is none.`);
  if (mayFollow(url, to)) return to;
  throw new Failure(
    'redirect',
    `${shown(url)} names a ${what} URL on another host, ${shown(to)}, which would get the headers. It must be on the host of the agent.`,
  );
}

async function* body({ url, body: bytes }: HttpReply): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new Failure(
      'broken_off',
      `${shown(url)} hung up in the middle of its answer (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}).`,
    );
  }
}

/** Builds the failure for a status that is not a success, with the agent's reason. */
async function refusal({ url, status, headers, body: bytes }: HttpReply, now: number): Promise<Failure> {
  const reason = await reasonIn(bytes);
  const message = `${shown(url)} answered ${status}${reason === '' ? '' : `: ${reason}`}${adviceFor(status)}`;
  return new Failure('status', message, { status, retryAfterMs: retryAfterMs(headers, now) });
}

function extractText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
