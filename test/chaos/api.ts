/**
 * Requests to the daemon over the API, without the CLI. The answer is null when none arrived: the outcome of the
 * request is then unknown.
 */
import { ask } from '../support/api.ts';
import type { OpenHome } from './clients.ts';

const answerMs = 20_000;

export function createApiClient(home: OpenHome) {
  const env = Object.fromEntries(Object.entries(home.env).filter(([name]) => name !== 'CLIP_FAILPOINT'));

  async function asked(
    path: string,
    options: { method: string; body?: string; type?: string },
  ): Promise<{ status: number; text: string } | null> {
    const late = new Promise<null>((resolve) => setTimeout(resolve, answerMs, null).unref());
    return Promise.race([late, ask(home.folder, path, options).catch(() => null)]);
  }

  return {
    /** Submits one line as `clip run --batch` would. Returns the number of the run. */
    async submit(line: object): Promise<number | null> {
      const defaults = { cwd: home.base, cwdIsDefault: true, env, envNames: [] };
      const body = `${JSON.stringify({ defaults })}\n${JSON.stringify(line)}\n`;
      const answer = await asked('/v1/batch', { method: 'POST', type: 'application/x-ndjson', body });
      if (answer?.status !== 200 || !answer.text.endsWith('\n')) return null;
      return (JSON.parse(answer.text) as { run?: { number: number } }).run?.number ?? null;
    },
    cancel: (runs: readonly number[], now: boolean) =>
      asked('/v1/cancel', { method: 'POST', body: JSON.stringify({ runs: runs.map(String), now }) }),
    async retry(number: number): Promise<number | null> {
      const answer = await asked(`/v1/runs/${number}/retry`, { method: 'POST', body: JSON.stringify({ env }) });
      return answer?.status === 201 ? (JSON.parse(answer.text) as { run: { number: number } }).run.number : null;
    },
    /** Returns true when the daemon confirmed the removal. */
    remove: async (number: number): Promise<boolean> =>
      (await asked(`/v1/runs/${number}`, { method: 'DELETE' }))?.status === 200,
  };
}
