/** Sends the cancel request of a run to an agent, with a short timeout. */

import type { HttpLog } from './agent-log.ts';
import type { Job } from './arguments.ts';
import { cancelLine, Failure, shown } from './failure.ts';
import { httpLimits } from './limits.ts';
import { mayFollow, send } from './send.ts';

/** Cancels a job. Without a cancel URL, the closed connection is the only signal. Never throws. */
export async function cancel(
  { url, headers, context }: Job,
  cancelUrl: URL | null,
  complaints: HttpLog,
): Promise<void> {
  if (cancelUrl === null) return;
  const body = Buffer.from(JSON.stringify({ run: context.run, sessionId: context.sessionId }));
  try {
    // A cancel URL from the user may be on another host, which must not get the headers.
    const known = mayFollow(url, cancelUrl) ? headers : {};
    const { status, body: rest } = await send(
      { url: cancelUrl, method: 'POST', headers: known, body },
      AbortSignal.timeout(httpLimits.cancelMs),
    );
    rest.destroy();
    if (status > 299)
      complaints.line(cancelLine(`${shown(cancelUrl)} answered ${status}: it may go on with this run.`));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    complaints.line(cancelLine(`${error.message} It may go on with this run.`));
  }
}
