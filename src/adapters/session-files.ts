/**
 * Files in which agent CLIs store their sessions, read for tokens that a stream reports only at its end. They are read
 * while a run works, so that a budget is enforced and a killed run is counted. Only counts are used.
 */
import type { AgentEvent } from '#run/agent-event.ts';
import { isoTime } from '#run/iso-time.ts';
import type { Json, SessionFile } from './adapter.ts';
import { day, isoInstant } from './calendar.ts';
import { numberAt, textAt } from './json.ts';

/**
 * `$CODEX_HOME/sessions/YYYY/MM/DD/rollout-<time>-<thread id>.jsonl`, in the folder of the day on which the thread
 * began. Seen with 0.169: a `token_count` after each model call, with the totals of the whole thread.
 */
export const codexSessionFile: SessionFile = {
  places({ id, environment, startedAt }) {
    const home = environment['CODEX_HOME'] || underHome(environment['HOME'], '.codex');
    if (home === null) return [];
    // Thread ids are version 7 UUIDs, which begin with their time. The day is that of the local clock at that time.
    const begun = timeOfUuid7(id) ?? startedAt;
    return [0, -1, 1].map((days) => ({
      folders: [home, 'sessions', ...dateSteps(begun + days * day)],
      prefix: 'rollout-',
      suffix: `-${id}.jsonl`,
    }));
  },
  hasTotals: true,
  marker: '"token_count"',
  isOf: (first, id) => textAt(first, 'payload', 'id') === id,
  read(event) {
    const total = (name: string) => numberAt(event, 'payload', 'info', 'total_token_usage', name);
    const tokens = {
      input: total('input_tokens'),
      cached: total('cached_input_tokens'),
      output: total('output_tokens'),
    };
    const isCount =
      event['type'] === 'event_msg' &&
      textAt(event, 'payload', 'type') === 'token_count' &&
      (tokens.input !== null || tokens.output !== null);
    return { at: timeIn(event), readings: isCount ? [{ type: 'tokens', scope: 'session', tokens, model: null }] : [] };
  },
};

/**
 * `~/.gemini/tmp/<project>/chats/session-<time>-<8 characters of the id>.jsonl`. Seen with 0.61: each model answer with
 * the usage of its call, once when it arrives and once more with the results of its tools.
 */
export const geminiSessionFile: SessionFile = {
  places({ id, environment }) {
    const home = underHome(environment['GEMINI_CLI_HOME'] || environment['HOME'], '.gemini');
    return home === null || id.length < 8
      ? []
      : [{ folders: [home, 'tmp', '*', 'chats'], prefix: 'session-', suffix: `-${id.slice(0, 8)}.jsonl` }];
  },
  hasTotals: false,
  marker: '"tokens"',
  isOf: (first, id) => textAt(first, 'sessionId') === id,
  read(event) {
    const id = textAt(event, 'id');
    const count = (name: string) => numberAt(event, 'tokens', name);
    const [input, output, total] = [count('input'), count('output'), count('total')];
    if (event['type'] !== 'gemini' || id === null || input === null) return { at: null, readings: [] };
    // Thinking and tool tokens are only in the total, as in the result of the stream.
    const said = total === null ? output : Math.max(output ?? 0, total - input);
    const reading: AgentEvent = {
      type: 'tokens',
      scope: 'call',
      id,
      tokens: { input, cached: count('cached'), output: said },
      model: null,
    };
    return { at: timeIn(event), readings: [reading] };
  },
};

function underHome(home: string | undefined, folder: string): string | null {
  return home?.startsWith('/') ? `${home}/${folder}` : null;
}

function timeOfUuid7(id: string): number | null {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(id) ?? [];
  return high === undefined ? null : Number.parseInt(`${high}${low}`, 16);
}

function dateSteps(at: number): readonly string[] {
  return isoTime(at).slice(0, 10).split('-');
}

function timeIn(event: Json): number | null {
  return isoInstant(textAt(event, 'timestamp') ?? '', 'UTC');
}
