/** Telling an agent that its run shall stop: one request, and not for long. */

import { limits } from '../run/limits.ts';
import type { Job } from './arguments.ts';
import { cancelLine, Failure, shown } from './failure.ts';
import type { Log } from './log.ts';
import { mayFollow, send } from './send.ts';

/** Without a cancel URL the closed connection is all that it hears. Never throws. */
export async function cancel({ url, headers, context }: Job, cancelUrl: URL | null, complaints: Log): Promise<void> {
  if (cancelUrl === null) return;
  const body = Buffer.from(JSON.stringify({ run: context.run, sessionId: context.sessionId }));
  try {
    // A cancel URL that the user named may be on another host: it is not told the headers.
    const known = mayFollow(url, cancelUrl) ? headers : {};
    const { status, body: rest } = await send({ url: cancelUrl, method: 'POST', headers: known, body }, AbortSignal.timeout(limits.httpCancelMs));
    rest.destroy();
    if (status > 299) complaints.line(cancelLine(`${shown(cancelUrl)} answered ${status}: it may go on with this run.`));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    complaints.line(cancelLine(`${error.message} It may go on with this run.`));
  }
}
