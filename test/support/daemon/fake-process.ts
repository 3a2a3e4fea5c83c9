/** A process of a run that exists only in its run folder: it writes the logs, and the script of the test is its life. */
import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type LaunchRecord, type LeaderRecord, runFiles } from '#process/run-folder.ts';
import type { Member } from '#process/run-processes.ts';
import type { AgentStep } from '../agents.ts';
import type { ManualClock } from './manual-clock.ts';

/**
 * What a process does next. `say`, `raw`, `bytes`, `complain`, `writes`, `puts`, `stubborn` and `exit` mean the same as in
 * test/fixtures/agents/speaks-codex.mjs. `dies`: a signal from outside ends it. `child`: it has a child that outlives
 * it. `does`: it does this itself, for example a request to the daemon. Without `exit` or `dies` it stays.
 */
export type Step =
  | AgentStep
  | { readonly dies: NodeJS.Signals }
  | { readonly does: (process: FakeProcess) => Promise<unknown> | unknown };

export type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** How long a program takes before it does anything. */
const loadMs = 10;
/** Pids that no real process has: Linux has none above 2^22. */
const firstPid = 5_000_000;

let processes = 0;

export class FakeProcess {
  readonly id: string;
  readonly launch: LaunchRecord;
  readonly leader: LeaderRecord;
  /** Signals that have reached it, in their order. */
  readonly signals: string[] = [];
  readonly #clock: ManualClock;
  readonly #folder: string;
  readonly #onEnd: (end: End) => void;
  #children: Member[] = [];
  #stubborn = false;
  #ended = false;

  constructor(
    { id, launch, folder, namespace, bootId }: FakeLaunch,
    { clock, onEnd }: { readonly clock: ManualClock; readonly onEnd: (end: End) => void },
  ) {
    processes += 1;
    this.id = id;
    this.launch = launch;
    this.#clock = clock;
    this.#folder = folder;
    this.#onEnd = onEnd;
    const stdout = touch(join(folder, runFiles.stdout));
    const stderr = launch.mergeOutput ? null : touch(join(folder, runFiles.stderr));
    const pid = firstPid + 100 * processes;
    const born = { pid, pgid: pid, startTime: 1_000 + processes, bootId, pidNamespace: namespace };
    this.leader = { ...born, cgroup: null, kernelMark: true, logs: { stdout, stderr } };
  }

  get isAlive(): boolean {
    return !this.#ended;
  }

  /** Returns its input. */
  get stdin(): string {
    return this.launch.stdin === null ? '' : readFileSync(this.launch.stdin, 'utf8');
  }

  /** Returns its environment, as the daemon has stored it for the keeper. */
  get environment(): Readonly<Record<string, string>> {
    return JSON.parse(readFileSync(join(this.#folder, runFiles.env), 'utf8'));
  }

  /** Begins its script. */
  async begin(steps: readonly Step[]): Promise<void> {
    await this.#clock.after(loadMs);
    await this.play(steps);
  }

  /** Does these steps, unless it has ended. */
  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) if (!this.#ended) await this.#perform(step as AgentStep);
  }

  /** Lets a signal reach it. */
  receive(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    if (signal === 'SIGKILL' || !this.#stubborn) this.#end({ code: null, signal });
  }

  /** Ends a child. Returns false if it has no such child. */
  endChild(pid: number): boolean {
    const before = this.#children.length;
    this.#children = this.#children.filter((child) => child.pid !== pid);
    return this.#children.length < before;
  }

  /** Returns its processes that live. */
  members(): Member[] {
    const { pid, pgid, startTime, bootId } = this.leader;
    const pidNamespace = this.leader.pidNamespace ?? null;
    const own: Member = {
      ...{ pid, startTime, bootId, pidNamespace, ppid: 1, pgid, session: pid },
      ...{ command: this.launch.argv[0] ?? '', proof: 'leader' },
    };
    return [...(this.#ended ? [] : [own]), ...this.#children];
  }

  /** Vanishes with its children. No keeper sees its end. */
  vanish(): void {
    this.#ended = true;
    this.#children = [];
  }

  async #perform(step: AgentStep): Promise<void> {
    if (step['writes'] !== undefined)
      this.#change(String(step['writes']), (path) => appendFileSync(path, `${this.id}\n`));
    if (Array.isArray(step['puts'])) {
      const [file, text] = step['puts'] as [string, string];
      this.#change(file, (path) => writeFileSync(path, text));
    }
    if (step['say'] !== undefined) this.#write(runFiles.stdout, `${JSON.stringify(step['say'])}\n`);
    if (step['raw'] !== undefined) this.#write(runFiles.stdout, String(step['raw']));
    if (step['bytes'] !== undefined) this.#write(runFiles.stdout, Buffer.from(String(step['bytes']), 'base64'));
    if (step['complain'] !== undefined) this.#write(this.#errors, `${step['complain']}\n`);
    if (step['stubborn']) this.#stubborn = true;
    if (step['child']) this.#children.push(this.#bear(String(step['child'])));
    if (typeof step['does'] === 'function') await step['does'](this);
    if (step['exit'] !== undefined) this.#end({ code: Number(step['exit']), signal: null });
    if (step['dies'] !== undefined) this.#end({ code: null, signal: step['dies'] as NodeJS.Signals });
  }

  get #errors(): string {
    return this.launch.mergeOutput ? runFiles.stdout : runFiles.stderr;
  }

  #change(file: string, change: (path: string) => void): void {
    const path = resolve(this.launch.cwd, file);
    mkdirSync(dirname(path), { recursive: true });
    change(path);
  }

  #write(name: string, text: string | Buffer): void {
    const path = join(this.#folder, name);
    appendFileSync(path, text);
    const at = this.#clock.now() / 1_000;
    utimesSync(path, at, at);
  }

  #bear(command: string): Member {
    const { pid, pgid, startTime, bootId } = this.leader;
    const child = pid + 1 + this.#children.length;
    const pidNamespace = this.leader.pidNamespace ?? null;
    const born = { pid: child, startTime: startTime + 1, bootId, pidNamespace, ppid: pid, pgid, session: pid };
    return { ...born, command, proof: 'session' };
  }

  #end(end: End): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(end);
  }
}

export type FakeLaunch = {
  readonly id: string;
  readonly launch: LaunchRecord;
  readonly folder: string;
  readonly namespace: string | null;
  readonly bootId: string;
};

/** Creates the file unless it is there. Returns its inode. */
function touch(path: string): number {
  const fd = openSync(path, 'a', 0o600);
  try {
    return fstatSync(fd).ino;
  } finally {
    closeSync(fd);
  }
}
