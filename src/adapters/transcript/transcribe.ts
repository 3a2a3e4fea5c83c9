/**
 * From a line of an agent's log to what a person reads of it. The readings of the adapter come first, so
 * that what is shown and what is counted never differ; a file per CLI adds what readings leave out.
 */
import type { AdapterName, Mapping } from '../../run/agent.ts';
import { reportMarker } from '../../run/agent-report.ts';
import type { Reading } from '../../run/reading.ts';
import { type Adapter, eventsIn, type ReadAt, type Stream, withoutControls } from '../adapter.ts';
import { adapterOf } from '../by-name.ts';
import type { Json } from '../json.ts';
import { reportsIn } from '../reports.ts';
import { describeClaude } from './claude.ts';
import { describeCodex } from './codex.ts';
import { type Describe, type Details, noDetails } from './details.ts';
import { describeGemini } from './gemini.ts';
import type { Change, Item } from './item.ts';
import { describeOpencode } from './opencode.ts';

/** Gives the items of a whole line, in order. Never throws. */
export type Transcribe = (line: string, stream: Stream) => readonly Item[];

const describers: Readonly<Partial<Record<AdapterName, Describe>>> = {
  claude: describeClaude,
  codex: describeCodex,
  gemini: describeGemini,
  opencode: describeOpencode,
};

/** What times in words refer to is of no interest here: nothing is reckoned with them. */
const noTime: ReadAt = { at: 0, timeZone: 'UTC' };

/** Null for programs without a stream that could be read. */
export function transcriberOf(adapter: AdapterName, mapping: Mapping | null): Transcribe | null {
  const { stream: reader } = adapterOf({ id: '', name: '', command: null, model: null, role: null, args: [], permission: 'ask', adapter, mapping });
  if (reader === null) return null;
  const describe = describers[adapter] ?? (() => ({}));
  return (line, stream) => {
    try {
      return itemsOf(line, stream, { reader, describe });
    } catch {
      // A line of a shape nobody has seen.
      return [{ type: 'note', text: 'An event of a shape that clip does not know.', warning: true }];
    }
  };
}

type Reader = { readonly reader: NonNullable<Adapter['stream']>; readonly describe: Describe };

function itemsOf(text: string, stream: Stream, { reader, describe }: Reader): Item[] {
  const line = text.trim();
  if (line === '') return [];
  const events = eventsIn(line);
  const reports = line.includes(reportMarker) ? reportsIn(events ?? line).flatMap((report) => itemOf(report, noDetails)) : [];
  if (events !== null) return [...events.flatMap((event) => itemsOfEvent(event, { reader, describe })), ...reports];
  if (reports.length > 0 && line.startsWith(reportMarker)) return reports;
  const readings = reader.readText(withoutControls(line), stream, noTime);
  const items = readings.flatMap((reading) => itemOf(reading, noDetails));
  return [...(items.length > 0 ? items : [{ type: 'line' as const, text: text.trimEnd() }]), ...reports];
}

function itemsOfEvent(event: Json, { reader, describe }: Reader): Item[] {
  const details: Details = { ...noDetails, ...describe(event) };
  const thoughts = details.thoughts.map((text): Item => ({ type: 'thought', text }));
  const notes = details.notes.map((note): Item => ({ type: 'note', ...note }));
  return [...thoughts, ...reader.readEvent(event, noTime).flatMap((reading) => itemOf(reading, details)), ...notes];
}

function itemOf(reading: Reading, details: Details): Item[] {
  switch (reading.type) {
    case 'session':
      return [
        { type: 'session', words: [reading.version, reading.model, reading.permission, reading.id].filter((word) => word !== null && word !== '') as string[] },
      ];
    case 'message':
      return [{ type: 'message', text: reading.text, delta: reading.delta }];
    case 'tool-started':
      return [startOf(reading, details)];
    case 'tool-ended':
      return [endOf(reading, details)];
    case 'refused':
      return [{ type: 'note', text: `${reading.tool} was not allowed.`, warning: true }];
    case 'tokens':
      return [{ type: 'usage', scope: reading.scope, ...reading.tokens }];
    case 'cost':
      return [{ type: 'cost', scope: reading.scope, usd: reading.usd }];
    case 'error':
    case 'complaint':
      return [{ type: 'error', message: reading.failure.message }];
    case 'retrying':
      return [{ type: 'retry', attempt: reading.attempt, of: reading.of, message: reading.message }];
    case 'result':
      return [{ type: 'result', message: reading.failure === null ? null : reading.failure.message }];
    case 'report':
      return [{ type: 'report', kind: reading.kind, text: reading.text, who: reading.who }];
    default:
      return [];
  }
}

function startOf({ id, tool, kind, command, paths }: Reading & { type: 'tool-started' }, { at, tools }: Details): Item {
  const { target = null, changes = [] } = tools.get(id) ?? {};
  return { type: 'tool-started', id, tool, kind, command, target: paths[0] ?? target, changes, at };
}

function endOf({ id, exitCode, failed, denied, files }: Reading & { type: 'tool-ended' }, { at, tools }: Details): Item {
  const { output = null, durationMs = null, changes: told = [] } = tools.get(id) ?? {};
  const known = (files ?? []).map((file): Change => told.find(({ path }) => path === file.path) ?? { ...file, added: null, removed: null });
  const changes = failed || denied ? [] : known.length > 0 ? known : told;
  return { type: 'tool-ended', id, exitCode, failed, denied, output, durationMs, changes, at };
}
