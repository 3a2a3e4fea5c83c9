/** Sends one request. Redirects are followed within the named host. */
import { type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Headers } from './arguments.ts';
import { Failure, shown } from './failure.ts';
import { httpLimits } from './limits.ts';

export type Request = {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Buffer | null;
};
export type HttpReply = {
  /** The URL that answered, after all redirects. */
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
};

/** Sends the request, follows redirects, and returns the head of the response. Throws Failure. */
export async function send(request: Request, signal: AbortSignal | null = null): Promise<HttpReply> {
  let next = request;
  for (let hops = 0; ; hops += 1) {
    const answer = await exchange(next, signal);
    if (![301, 302, 303, 307, 308].includes(answer.status)) return answer;
    answer.body.destroy();
    if (hops === httpLimits.redirectsMax) {
      throw new Failure(
        'redirect',
        `${shown(request.url)} was redirected more than ${hops} times, the last time by ${shown(next.url)}. ` +
          'Name the URL it should end at.',
      );
    }
    next = redirected(next, answer);
  }
}

function redirected({ url, method, headers, body }: Request, { status, headers: said }: HttpReply): Request {
  const to = said.location === undefined ? null : URL.parse(said.location, url.href);
  if (to === null)
    throw new Failure(
      'redirect',
      `${shown(url)} answered ${status} without saying where to go. Name the URL of the agent itself.`,
    );
  if (!mayFollow(url, to)) {
    throw new Failure(
      'redirect',
      `${shown(url)} redirects to ${shown(to)}, another host, which would get the prompt and the headers. ` +
        "If that is meant, name it as the agent's URL.",
    );
  }
  // 303 means "look there", and so does 302 in practice. 301, 307 and 308 mean that the same request belongs there.
  const looks = status === 302 || status === 303;
  return looks ? { url: to, method: 'GET', headers, body: null } : { url: to, method, headers, body };
}

/**
 * Returns whether a redirect may be followed: to the same host, or to the same name over TLS. Any other host would get
 * the headers, which hold secrets.
 */
export function mayFollow(from: URL, to: URL): boolean {
  if (to.hostname !== from.hostname) return false;
  if (from.protocol === 'http:' && to.protocol === 'https:') return true;
  return to.protocol === from.protocol && to.port === from.port;
}

function exchange({ url, method, headers, body }: Request, signal: AbortSignal | null): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const sent = (secure ? secureRequest : plainRequest)({
      ...parseAddress(url),
      method,
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        'user-agent': 'clip-http',
        ...contentHeaders(body),
        ...headers,
      },
      // Each request has its own connection, so no idle connection keeps this process alive.
      agent: false,
      ...(signal === null ? {} : { signal }),
    });
    const late = () =>
      sent.destroy(
        new Failure(
          'unreachable',
          `${shown(url)} accepted no connection within ${httpLimits.connectMs / 1_000} s. ` +
            'Is it running, and can it be reached from here?',
        ),
      );
    const timer = setTimeout(late, httpLimits.connectMs);
    sent.on('socket', (socket) => {
      socket.setKeepAlive(true, httpLimits.keepAliveMs);
      socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
    });
    sent.on('close', () => clearTimeout(timer));
    sent.on('error', (error) => reject(error instanceof Failure ? error : explained(error, url)));
    sent.on('response', (answer) =>
      resolve({ url, status: answer.statusCode ?? 0, headers: answer.headers, body: answer }),
    );
    sent.end(body ?? undefined);
  });
}

/** Returns the address without name and password, which are sent as a header. */
function parseAddress({ protocol, hostname, port, pathname, search }: URL) {
  return {
    protocol,
    hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? null : port,
    path: `${pathname}${search}`,
  };
}

function contentHeaders(body: Buffer | null): Record<string, string | number> {
  return body === null ? {} : { 'content-type': 'application/json', 'content-length': body.length };
}

function explained(error: NodeJS.ErrnoException, url: URL): Failure {
  return new Failure('unreachable', `${shown(url)} could not be asked: ${formatIn(error, url)}`);
}

function formatIn({ code, message, name }: NodeJS.ErrnoException, { hostname }: URL): string {
  if (name === 'AbortError' || name === 'TimeoutError') return 'it took too long.';
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection was refused. Is it running, on this port?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no host named ${hostname}, or no network.`;
    case 'ECONNRESET':
    case 'EPIPE':
      return 'it hung up without an answer.';
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `it cannot be reached from here (${code}).`;
    default: {
      const isUntrusted = /cert|SSL|TLS/i.test(code ?? '');
      const remedy = isUntrusted ? '. NODE_EXTRA_CA_CERTS names further certificates to trust' : '';
      return `${message === '' ? code : message}${remedy}.`;
    }
  }
}
