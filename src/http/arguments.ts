/** Parses `clip-http URL [options]`: the command line and the environment of one request. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { parseArgs } from 'node:util';
import { Failure } from './failure.ts';
import { httpLimits } from './limits.ts';

export type Headers = Readonly<Record<string, string>>;

export type Job = {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly cancelUrl: URL | null;
  /** The pause between two status requests. Null for the default growing one. */
  readonly pollMs: number | null;
  /** Everything in the request except the prompt. */
  readonly context: {
    readonly run: { readonly id: string | null };
    readonly agent: { readonly name: string | null; readonly role: string | null; readonly model: string | null };
    readonly task: { readonly id: string } | null;
    readonly continuation: { readonly attempt: number } | null;
    readonly sessionId: string | null;
  };
};

const usage =
  'Usage: clip-http URL [--header NAME=VALUE]… [--method POST|PUT|PATCH|GET] [--cancel URL] [--poll-interval 5s].';
const methods = ['POST', 'PUT', 'PATCH', 'GET'];
/** Headers that clip-http sets itself. */
const ours = ['host', 'connection', 'content-length', 'transfer-encoding', 'expect', 'upgrade'];

/** Parses the command line and the environment. Throws Failure with the code `usage`. */
export function readArguments(argv: readonly string[], env: NodeJS.ProcessEnv): Job {
  const { positionals, values } = parse(argv);
  const [address, ...more] = positionals;
  if (address === undefined || more.length > 0)
    throw new Failure('usage', `One URL is needed, and ${positionals.length} were given. ${usage}`);
  const url = readUrl(address, 'The URL');
  const method = values.method?.toUpperCase() ?? 'POST';
  if (!methods.includes(method))
    throw new Failure('usage', `--method: ${values.method} is none of ${methods.join(', ')}.`);
  const said = (text: string | undefined) => (text === undefined || text === '' ? null : text);
  const task = said(env['CLIP_TASK']);
  const attempt = Number(env['CLIP_CONTINUATION'] ?? 0);
  return {
    url,
    method,
    headers: { ...signIn(url), ...Object.fromEntries((values.header ?? []).map((text) => readHeader(text, env))) },
    cancelUrl: values.cancel === undefined ? null : readUrl(values.cancel, '--cancel'),
    pollMs: values['poll-interval'] === undefined ? null : readPause(values['poll-interval']),
    context: {
      run: { id: said(env['CLIP_RUN_ID']) },
      agent: { name: said(values.agent), role: said(values.role), model: said(values.model) },
      task: task === null ? null : { id: task },
      continuation: attempt > 0 ? { attempt } : null,
      sessionId: said(values.session),
    },
  };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    header: { type: 'string', multiple: true },
    method: text,
    cancel: text,
    'poll-interval': text,
    agent: text,
    role: text,
    model: text,
    session: text,
  } as const;
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new Failure('usage', `${(error as Error).message.split('. ')[0]}. ${usage}`);
  }
}

function readUrl(text: string, what: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new Failure('usage', `${what} is not a whole URL: it must begin with http:// or https://.`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Failure('usage', `${what} begins with ${url.protocol}, and only http: and https: can be asked.`);
  }
  return url;
}

/** Returns the Authorization header for the name and password in a URL. */
function signIn({ username, password }: URL): Headers {
  if (username === '' && password === '') return {};
  try {
    const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
  } catch {
    throw new Failure(
      'usage',
      'The URL has a name or a password with a % that is no part of an escape like %40. Write %25 for a %.',
    );
  }
}

/**
 * Parses NAME=VALUE. $NAME and ${NAME} in the value are replaced from the environment, and $$ is a dollar. Error
 * messages never contain values.
 */
function readHeader(text: string, env: NodeJS.ProcessEnv): [string, string] {
  const cut = text.indexOf('=');
  const name = text.slice(0, Math.max(0, cut)).trim().toLowerCase();
  if (name === '')
    throw new Failure('usage', "--header: write it like NAME=VALUE, for instance Authorization='Bearer $TOKEN'.");
  if (ours.includes(name)) throw new Failure('usage', `--header: ${name} is set by clip-http itself.`);
  const value = text.slice(cut + 1).replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    const variable = braced ?? bare;
    if (variable === undefined) return whole.slice(1);
    const found = env[variable];
    if (found === undefined) {
      throw new Failure(
        'usage',
        `--header ${name}: the environment has no variable ${variable}. ` +
          'Give it to the agent with --env, or write $$ for a dollar.',
      );
    }
    return found;
  });
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new Failure('usage', `--header ${name}: its name or its value has characters that no header may have.`);
  }
  return [name, value];
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function readPause(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const ms = match ? Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN) : Number.NaN;
  if (!(ms >= httpLimits.retryAfterMsMin && ms <= httpLimits.retryAfterMsMax)) {
    throw new Failure(
      'usage',
      `--poll-interval: "${text}" is no pause between 100ms and 24h. Write it like 500ms, 5s or 2m.`,
    );
  }
  return ms;
}
