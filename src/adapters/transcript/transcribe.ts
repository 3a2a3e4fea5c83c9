/**
 * Turns a line of an agent's log into transcript items. They are built from the adapter's agent events, so that display
 * and counts never differ. A file per CLI adds details.
 */
import type { AdapterName, Mapping } from '#run/agent.ts';
import type { AgentEvent } from '#run/agent-event.ts';
import { reportMarker } from '#run/agent-report.ts';
import { type Adapter, eventsIn, type ReadAt, type Stream } from '../adapter.ts';
import type { Json } from '../json.ts';
import { reportsIn } from '../printed-reports.ts';
import { findAdapter } from '../registry.ts';
import { withoutControls } from '../strip-controls.ts';
import { describeClaude } from './claude.ts';
import { describeCodex } from './codex.ts';
import { type DescribeEvent, type Details, noDetails } from './details.ts';
import { describeGemini } from './gemini.ts';
import type { TranscriptChange, TranscriptItem } from './item.ts';
import { describeOpencode } from './opencode.ts';

/** Returns the items of a whole line, in order. Never throws. */
export type Transcribe = (line: string, stream: Stream) => readonly TranscriptItem[];

const describers: Readonly<Partial<Record<AdapterName, DescribeEvent>>> = {
  claude: describeClaude,
  codex: describeCodex,
  gemini: describeGemini,
  opencode: describeOpencode,
};

/** The reference time for times in text, which are not evaluated here. */
const noTime: ReadAt = { at: 0, timeZone: 'UTC' };

/** Returns the transcriber of an adapter, or null for a program without a readable stream. */
export function findTranscriber(adapter: AdapterName, mapping: Mapping | null): Transcribe | null {
  const { stream: reader } = findAdapter({
    id: '',
    name: '',
    command: null,
    model: null,
    role: null,
    args: [],
    permission: 'ask',
    adapter,
    mapping,
  });
  if (reader === null) return null;
  const describe = describers[adapter] ?? (() => ({}));
  return (line, stream) => {
    try {
      return toItems(line, stream, { reader, describe });
    } catch {
      // A line of unknown form.
      return [{ type: 'note', text: 'An event of a shape that clip does not know.', warning: true }];
    }
  };
}

type Reader = { readonly reader: NonNullable<Adapter['stream']>; readonly describe: DescribeEvent };

function toItems(text: string, stream: Stream, { reader, describe }: Reader): TranscriptItem[] {
  const line = text.trim();
  if (line === '') return [];
  // Only standard output is the stream. JSON on standard error is a plain line.
  const events = eventsIn(line);
  if (stream === 'stderr' && events !== null) {
    const own = events
      .flatMap((event) => reader.readOwnError?.(event) ?? [])
      .flatMap((reading) => toItem(reading, noDetails));
    return own.length > 0 ? own : [{ type: 'line', text: text.trimEnd() }];
  }
  const reports = line.includes(reportMarker)
    ? reportsIn(events ?? line).flatMap((report) => toItem(report, noDetails))
    : [];
  if (events?.length === 1 && reports.length === 0) return itemsOfEvent(events[0] as Json, { reader, describe });
  if (events !== null) return [...events.flatMap((event) => itemsOfEvent(event, { reader, describe })), ...reports];
  if (reports.length > 0 && line.startsWith(reportMarker)) return reports;
  const readings = reader.readText(withoutControls(line), stream, noTime);
  const items = readings.flatMap((reading) => toItem(reading, noDetails));
  return [...(items.length > 0 ? items : [{ type: 'line' as const, text: text.trimEnd() }]), ...reports];
}

function itemsOfEvent(event: Json, { reader, describe }: Reader): TranscriptItem[] {
  const { at, tools, thoughts, notes } = describe(event);
  const details = { at: at ?? noDetails.at, tools: tools ?? noDetails.tools };
  const items: TranscriptItem[] = [];
  for (const text of thoughts ?? noDetails.thoughts) items.push({ type: 'thought', text });
  for (const reading of reader.readEvent(event, noTime)) items.push(...toItem(reading, details));
  for (const note of notes ?? noDetails.notes) items.push({ type: 'note', ...note });
  return items;
}

type EventDetails = Pick<Details, 'at' | 'tools'>;

function toItem(reading: AgentEvent, details: EventDetails): TranscriptItem[] {
  switch (reading.type) {
    case 'session':
      return [
        {
          type: 'session',
          words: [reading.version, reading.model, reading.permission, reading.id].filter(
            (word) => word !== null && word !== '',
          ) as string[],
        },
      ];
    case 'message':
      return [{ type: 'message', text: reading.text, delta: reading.delta }];
    case 'tool-started':
      return [startItem(reading, details)];
    case 'tool-ended':
      return [endItem(reading, details)];
    case 'refused':
      return [{ type: 'note', text: `${reading.tool} was not allowed.`, warning: true }];
    case 'tokens':
      // Usage of single calls is left out, because the result reports the sum.
      return reading.scope === 'call' ? [] : [{ type: 'usage', scope: reading.scope, ...reading.tokens }];
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

function startItem(
  { id, tool, kind, command, paths }: AgentEvent & { type: 'tool-started' },
  { at, tools }: EventDetails,
): TranscriptItem {
  const { target = null, changes = [] } = tools.get(id) ?? {};
  return { type: 'tool-started', id, tool, kind, command, target: paths[0] ?? target, changes, at };
}

function endItem(
  { id, exitCode, failed, denied, files }: AgentEvent & { type: 'tool-ended' },
  { at, tools }: EventDetails,
): TranscriptItem {
  const { output = null, durationMs = null, changes: told = [] } = tools.get(id) ?? {};
  const known = (files ?? []).map(
    (file): TranscriptChange => told.find(({ path }) => path === file.path) ?? { ...file, added: null, removed: null },
  );
  const changes = failed || denied ? [] : known.length > 0 ? known : told;
  return { type: 'tool-ended', id, exitCode, failed, denied, output, durationMs, changes, at };
}
