/** Parses requests, and gives errors one shape. */
import { finished } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { cutText, jsonText } from '#run/cut-text.ts';
import { ClipError, errorTable } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { asClipError, isDiskFull, isOfDatabase, noRoomError } from '#store/database-errors.ts';
import { describe, type LogFunction } from '../core/log.ts';

/** Parses one part of a request. Throws a usage error that names the field. */
export function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw usageError(parsed.error);
}

/** Maximum length of a field name in a message. Field names may come from the client. */
const whereLength = 100;

/** Returns the error of a request that does not fit its schema. It names the field. */
export function usageError(error: z.ZodError): ClipError {
  const [issue] = error.issues;
  const where = cutText(formatField(issue?.path ?? []), whereLength);
  const what = issue === undefined ? 'is unreadable' : formatWrong(issue);
  return new ClipError(
    'usage',
    where === '' ? `The request is not right: ${what}.` : `${where} ${what}.`,
    'clip help VERB says what is possible; scripts find all fields in /v1/openapi.json.',
  );
}

/** Fields of requests, in the words of the command line. */
const fieldWords: Readonly<Record<string, string>> = {
  name: 'The name',
  agent: 'The name of an agent',
  group: 'The name of a group',
  key: 'The key',
  locks: 'A lock',
  labels: 'The labels',
  title: 'The title',
  text: 'The text',
  prompt: 'The prompt',
  words: 'The prompt',
  cwd: 'The folder',
  command: 'The command',
  env: 'A variable',
  model: 'The model',
  timerPrompt: 'The prompt of the timer',
  everyMs: 'The time of the timer',
  task: 'The task',
  priority: 'The priority',
};

/** Returns the words for a field, or its path in the request. */
function formatField(path: readonly PropertyKey[]): string {
  const [field = '', entry] = path;
  if (field === 'labels' && entry !== undefined) return `The label ${String(entry)}`;
  if (field === 'env' && entry !== undefined) return `The variable ${String(entry)}`;
  return fieldWords[String(field)] ?? path.map(String).join('.');
}

type Issue = z.core.$ZodIssue;

/** Returns the message of the schema if it has one, else describes the kind of issue in plain words. */
function formatWrong(issue: Issue): string {
  // An invalid map key is described one level deeper.
  if (issue.code === 'invalid_key')
    return issue.issues[0] === undefined ? issue.message : formatWrong(issue.issues[0] as Issue);
  if (issue.code === 'invalid_union') {
    const tried = issue.errors.flat() as Issue[];
    const nearest = tried.find(({ code }) => code !== 'invalid_type') ?? tried[0];
    return nearest === undefined ? issue.message : formatWrong(nearest);
  }
  if (!/^(Too (small|big)|Invalid input): /.test(issue.message)) return issue.message;
  const counted = (origin: string) =>
    origin === 'string' ? ' characters long' : origin === 'array' ? ' items long' : '';
  if (issue.code === 'too_small') {
    if (['string', 'array'].includes(issue.origin) && issue.minimum === 1) return 'must not be empty';
    return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${counted(issue.origin)}`;
  }
  if (issue.code === 'too_big')
    return `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${counted(issue.origin)}`;
  const got = / received (.*)$/.exec(issue.message)?.[1];
  if (issue.code === 'invalid_type')
    return got === 'undefined' ? 'is missing' : `must be ${issue.expected}${got === undefined ? '' : `, not ${got}`}`;
  return issue.message;
}

const statusOfCode: Readonly<Record<string, number>> = { too_large: 413, busy: 503, database_locked: 503 };
const statusOfExit: Readonly<Record<number, number>> = {
  0: 200,
  1: 500,
  2: 400,
  3: 404,
  4: 503,
  5: 409,
  6: 426,
  7: 507,
};

/**
 * Returns the response for an error. ClipErrors are passed on, Fastify's own errors are reworded. Any other error is
 * a bug: it is logged in full and answered briefly.
 */
export function errorBody(
  log: LogFunction,
  error: Error & { code?: string; statusCode?: number },
): { status: number; body: { error: { code: string; message: string; hint: string | null } } } {
  const known = error instanceof ClipError ? error : ofFastify(error);
  if (known) {
    // The client gets one sentence. The log has the details of the database error.
    if (known.code === 'database_damaged' || known.code === 'database')
      log('error', 'database error', { error: describe(error) });
    const status = statusOfCode[known.code] ?? statusOfExit[errorTable[known.code].exit] ?? 500;
    return { status, body: { error: { code: known.code, message: known.message, hint: known.hint } } };
  }
  log('error', 'internal error', { error: describe(error) });
  return {
    status: 500,
    body: {
      error: { code: 'internal', message: 'Internal error.', hint: 'daemon.log has the details: clip daemon logs' },
    },
  };
}

/** Answers a request with an error. */
export function answerError(log: LogFunction, error: Error, reply: FastifyReply): void {
  const { status, body } = errorBody(log, error);
  let sent = false;
  const send = () => {
    if (!sent) reply.code(status).type('application/json').send(jsonText(body));
    sent = true;
  };
  if (status !== 413) return send();
  // If the answer is sent and the connection closed while the client is still sending, the connection breaks before
  // the client reads it. Some clients never stop, so the wait is limited.
  const patience = setTimeout(send, limits.slowClientMs);
  finished(reply.request.raw.resume(), { writable: false }, () => {
    clearTimeout(patience);
    send();
  });
}

/** Returns the parse error without the quoted piece of the text, which may be a secret. */
export function withoutQuote({ message }: Error): string {
  const words = message.replace(/(, |^)(\.\.\.)?".*$/s, '').replace(/ in JSON\b/, '');
  return words === '' ? 'it is not valid JSON' : `it is not valid JSON: ${words}`;
}

/** Returns a raw HTTP response for input that is not a valid request. Only the socket is available at that point. */
export function refusalOfHttp(code: string | undefined, version: string): string {
  const [status, error] = {
    HPE_HEADER_OVERFLOW: [
      '431 Request Header Fields Too Large',
      { code: 'too_large', message: 'The head of the request is over the size limit.', hint: 'Ask for less at once.' },
    ],
    busy: [
      '503 Service Unavailable',
      { code: 'busy', message: 'The daemon has as many connections as it takes.', hint: 'Try again in a moment.' },
    ],
    ERR_HTTP_REQUEST_TIMEOUT: [
      '408 Request Timeout',
      { code: 'usage', message: 'The request did not come to its end in time.', hint: null },
    ],
  }[code ?? ''] ?? [
    '400 Bad Request',
    { code: 'usage', message: 'The request is not HTTP.', hint: 'See /v1/openapi.json.' },
  ];
  const body = jsonText({ error });
  const head = [
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `clip-version: ${version}`,
    'connection: close',
  ];
  return [`HTTP/1.1 ${status}`, ...head, '', body].join('\r\n');
}

function ofFastify(error: { code?: string; statusCode?: number; message: string }): ClipError | null {
  if (error.statusCode === 413)
    return new ClipError(
      'too_large',
      'The request is over the size limit of 1 MiB (input: 16 MiB).',
      'Put what is long into a file: --stdin FILE.',
    );
  if (isDiskFull(error)) return noRoomError(error);
  if (isOfDatabase(error)) return asClipError(error, 'of this home');
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new ClipError('usage', `The request is not right: ${error.message}.`, 'See /v1/openapi.json.');
  return null;
}
