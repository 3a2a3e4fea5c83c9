/** The tools of an agent that have started and not ended. */
import type { ToolEnded, ToolStarted } from './tool-lines.ts';

/** `head`: whether its start was shown. */
type OpenTool = { readonly started: ToolStarted; head: boolean };

/** The number of tools after which the oldest is forgotten. Its end was never reported. */
const openMax = 256;

/** The open tools of one log, and the last ones that have ended. */
export class OpenTools {
  readonly #open = new Map<string, OpenTool>();
  readonly #over = new Set<string>();

  /** The number of open tools. */
  get size(): number {
    return this.#open.size;
  }

  /** Records a start. A repeated one changes nothing. */
  begin(started: ToolStarted): void {
    const known = this.#open.get(started.id);
    this.#open.set(started.id, { started: known?.started ?? started, head: known?.head ?? false });
    this.#over.delete(started.id);
    forgetOldest(this.#open);
  }

  /** Records an end, and returns the start of the tool. Returns null for a repeated end: some CLIs report one twice. */
  end({ id }: ToolEnded): { readonly started: ToolStarted | null; readonly head: boolean } | null {
    if (this.#over.has(id)) return null;
    const call = this.#open.get(id);
    this.#open.delete(id);
    this.#over.add(id);
    forgetOldest(this.#over);
    return { started: call?.started ?? null, head: call?.head ?? false };
  }

  /** Returns the starts that were not shown. */
  listUnshown(): ToolStarted[] {
    return [...this.#open.values()].flatMap(({ started, head }) => (head ? [] : [started]));
  }

  /** Returns the starts that were not shown, and records them as shown. */
  takeUnshown(): ToolStarted[] {
    const starts = this.listUnshown();
    for (const tool of this.#open.values()) tool.head = true;
    return starts;
  }
}

function forgetOldest(all: Map<string, unknown> | Set<string>): void {
  if (all.size <= openMax) return;
  const [oldest] = all.keys();
  if (oldest !== undefined) all.delete(oldest);
}
