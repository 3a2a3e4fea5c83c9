/**
 * One run of an HTTP agent: the request, its response, and further status requests for as long as the response says
 * "not yet". The last response decides about success. A response with a success status and no other information is a
 * success.
 */

import type { HttpLog } from './agent-log.ts';
import type { Job } from './arguments.ts';
import { adviceFor, reasonIn } from './error-reason.ts';
import { Failure, finalLine, pendingLine, retryingLine, shown } from './failure.ts';
import { nextPause, retryAfterMs } from './poll-interval.ts';
import { Relay, type RelayWatch } from './relay.ts';
import type { Json } from './response-lines.ts';
import { type HttpReply, mayFollow, send } from './send.ts';
import { failedWords, unfinishedWords } from './status-words.ts';

type ConversationDeps = {
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

/** The exchange of one run with its agent. */
export class Conversation {
  readonly #job: Job;
  readonly #deps: ConversationDeps;
  #cancelUrl: URL | null;
  #relay: Relay | null = null;
  /** Whether clip's last line said that the job is pending. */
  #waiting = false;
  /** Why no further response is accepted. */
  #refused: Error | null = null;

  constructor(job: Job, deps: ConversationDeps) {
    this.#job = job;
    this.#deps = deps;
    this.#cancelUrl = job.cancelUrl;
  }

  /** The cancel URL, as far as the user or the agent has named one. */
  get cancelUrl(): URL | null {
    return this.#cancelUrl;
  }

  /** Sends the prompt, waits for the last response, and returns whether the run succeeded. Throws Failure. */
  async run(prompt: string): Promise<boolean> {
    const { url, method, headers, context, pollMs } = this.#job;
    const body = method === 'GET' ? null : Buffer.from(JSON.stringify({ ...context, prompt }));
    let heard = await this.#hear(await send({ url, method, headers, body }), null);
    let waited: number | null = null;
    while (heard.askAt !== null) {
      waited = nextPause(pollMs, waited);
      heard = await this.#askAgain(heard.askAt, heard, heard.retryAfterMs ?? waited);
    }
    return !failedWords.includes(heard.status ?? '');
  }

  /** Stops waiting for the response. Held parts of it go to the log. */
  breakOff(): void {
    this.#relay?.end();
  }

  /** Requests the status until there is a response. A temporary failure is retried for as long as the run may last. */
  async #askAgain(url: URL, before: PollReply, firstPauseMs: number): Promise<PollReply> {
    const { log, complaints, pause, now } = this.#deps;
    let pauseMs = firstPauseMs;
    let saidAt: number | null = null;
    for (let attempt = 1; ; attempt += 1) {
      await pause(pauseMs);
      const written = log.size();
      try {
        const answer = await send({ url, method: 'GET', headers: this.#job.headers, body: null });
        return await this.#hear(answer, { ...before, askAt: url });
      } catch (error) {
        // A response that was partly written would be written twice.
        if (!(error instanceof Failure && error.passes) || log.size() > written) throw error;
        this.#relay = null;
        if (saidAt === null || now() - saidAt >= retryingSaidMs) {
          saidAt = now();
          complaints.line(retryingLine(attempt, error.message));
        }
        pauseMs = error.retryAfterMs ?? nextPause(this.#job.pollMs, pauseMs);
      }
    }
  }

  /** Writes a response into the log. `before`: the previous response, when this one answers a status request. */
  async #hear(answer: HttpReply, before: PollReply | null): Promise<PollReply> {
    const { log, now } = this.#deps;
    if (answer.status < 200 || answer.status > 299) throw await refusal(answer, now());
    let said: Said = { status: null, statusUrl: null };
    const goesOn = () => answer.status === 202 || unfinishedWords.includes(said.status ?? '');
    const written = log.size();
    const first = await this.#pass(answer, {
      onObject: (object) => {
        said = readSaid(object, said);
        this.#noteCancelUrl(object, answer);
      },
      lineBefore: () => (goesOn() ? null : this.#endWaiting()),
      known: before?.first ?? null,
    });
    const place = said.statusUrl ?? (answer.status === 202 ? (answer.headers.location ?? null) : null);
    const askAt = place === null ? (before?.askAt ?? null) : within(place, answer, 'status');
    const next = goesOn() ? askAt : null;
    // After each written response, because one of its lines may have looked like a result.
    const line = next === null ? this.#endWaiting() : !this.#waiting || log.size() > written ? pendingLine : null;
    this.#waiting = next !== null;
    if (line !== null) log.line(line);
    return { status: said.status, askAt: next, retryAfterMs: retryAfterMs(answer.headers, now()), first };
  }

  /** Relays the body of a response, and returns its first line if that was JSON. */
  async #pass(answer: HttpReply, watch: RelayWatch): Promise<string | null> {
    const relay = new Relay(this.#deps.log, watch);
    this.#relay = relay;
    for await (const chunk of body(answer)) {
      relay.take(chunk);
      if (this.#refused !== null) throw this.#refused;
      await this.#deps.log.room();
    }
    relay.end();
    this.#relay = null;
    if (this.#refused !== null) throw this.#refused;
    return relay.first;
  }

  /** Stores a named cancel URL. It never throws, because the response must be in the log before it is refused. */
  #noteCancelUrl(object: Json, answer: HttpReply): void {
    const url = extractText(object['cancelUrl']);
    if (url === null || this.#job.cancelUrl !== null) return;
    try {
      this.#cancelUrl = within(url, answer, 'cancel');
    } catch (error) {
      this.#refused = error as Error;
    }
  }

  /** Returns the line that ends the waiting, or null when the job is not pending. */
  #endWaiting(): string | null {
    if (!this.#waiting) return null;
    this.#waiting = false;
    return finalLine;
  }
}

/** What the objects of a response have named so far. */
type Said = { readonly status: string | null; readonly statusUrl: string | null };

function readSaid(object: Json, before: Said): Said {
  return {
    status: extractText(object['status']) ?? before.status,
    statusUrl: extractText(object['statusUrl']) ?? before.statusUrl,
  };
}

/** Resolves a URL that a response names. It must be on the same host, because it gets the headers. */
function within(text: string, { url }: HttpReply, what: string): URL {
  const to = URL.parse(text, url.href);
  if (to === null) throw new Failure('redirect', `${shown(url)} names a ${what} URL that is none.`);
  if (mayFollow(url, to)) return to;
  throw new Failure(
    'redirect',
    `${shown(url)} names a ${what} URL on another host, ${shown(to)}, which would get the headers. ` +
      'It must be on the host of the agent.',
  );
}

async function* body({ url, body: bytes }: HttpReply): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Failure('broken_off', `${shown(url)} hung up in the middle of its answer (${code ?? message}).`);
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
