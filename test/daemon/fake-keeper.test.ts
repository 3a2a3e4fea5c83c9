/** Compares the fake keeper with the real one, so that a test with the fake tells something about the real daemon. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FromKeeper, ToKeeper } from '#process/keeper-protocol.ts';
import { FakeKeeper, type Plan } from '../support/daemon/fake-keeper.ts';
import { ManualClock } from '../support/daemon/manual-clock.ts';
import { isAlive, root } from '../support/home.ts';
import { until } from '../support/until.ts';

type Message = FromKeeper & { readonly type: string };
type Line = { readonly received: Message[]; readonly say: (message: ToKeeper) => void };
/** A keeper, and what lets the time pass that it needs. */
type Kind = { readonly home: string; readonly pass: () => Promise<void>; readonly end: () => Promise<void> };

const socketName = 'keeper-00000001.sock';
/** The PATH of the runs. */
const path = '/usr/bin:/bin';

/** Creates a home with a running keeper, the real program. */
async function realKeeper(): Promise<Kind> {
  const home = newHome();
  const program = join(root, 'src/keeper/main.ts');
  const env = { PATH: process.env['PATH'] ?? '', CLIP_HOME: home, CLIP_ROLE: 'keeper', CLIP_VERSION_OVERRIDE: 'test' };
  const child = spawn(process.execPath, [program, '--home', home, '--socket', socketName], { env, stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async () => {
    child.kill('SIGKILL');
    await exited;
    for (const pid of startedIn(home)) if (isAlive(pid)) process.kill(-pid, 'SIGKILL');
    rmSync(home, { recursive: true, force: true });
  };
  onTestFinished(end);
  return { home, end, pass: () => new Promise((resolve) => setTimeout(resolve, 10)) };
}

/** Creates a home with a fake keeper, whose runs go as the plan says. */
async function fakeKeeper(plan: Plan): Promise<Kind> {
  const home = newHome();
  const clock = new ManualClock();
  const keeper = new FakeKeeper({ home, version: 'test', clock, plan: () => plan });
  await keeper.listen(socketName);
  const end = async () => {
    await keeper.die({ runs: true });
    rmSync(home, { recursive: true, force: true });
  };
  return { home, end, pass: () => clock.advance(10) };
}

/** Returns the pids of the processes that were started for runs and have no end. */
function startedIn(home: string): number[] {
  const runs = join(home, 'runs');
  return (existsSync(runs) ? readdirSync(runs) : []).flatMap((id) => {
    const started = join(runs, id, 'started.json');
    if (!existsSync(started) || existsSync(join(runs, id, 'exit.json'))) return [];
    return [(JSON.parse(readFileSync(started, 'utf8')) as { pid: number }).pid];
  });
}

/** Returns what both keepers tell. The real one has ended when the fake one begins, whose clock waits for processes. */
async function ofBoth<T>(
  plan: Plan,
  tell: (kind: Kind) => Promise<T>,
): Promise<{ readonly real: T; readonly fake: T }> {
  const tellAndEnd = async (kind: Kind) => {
    try {
      return await tell(kind);
    } finally {
      await kind.end();
    }
  };
  const real = await tellAndEnd(await realKeeper());
  return { real, fake: await tellAndEnd(await fakeKeeper(plan)) };
}

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'clip-keeper-'));
  mkdirSync(join(home, 'runs'));
  return home;
}

async function greet({ home, pass }: Kind, generation: number): Promise<Line> {
  const socket = await until('the keeper listens', () => tryConnect(join(home, socketName)));
  onTestFinished(() => void socket.destroy());
  const received: Message[] = [];
  let rest = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    received.push(...lines.map((line) => JSON.parse(line) as Message));
  });
  const line: Line = { received, say: (message) => socket.write(`${JSON.stringify(message)}\n`) };
  const about = { protocol: 1, revision: 2, generation, version: 'test', managed: true, containment: 'mark' } as const;
  line.say({ type: 'hello', ...about });
  await heard({ pass }, line, 1);
  return line;
}

function tryConnect(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}

async function heard({ pass }: Pick<Kind, 'pass'>, { received }: Line, count: number): Promise<void> {
  await until(`the keeper has sent ${count} messages`, async () => {
    if (received.length < count) await pass();
    return received.length >= count;
  });
}

function spawnOrder(home: string, id: string, argv: readonly string[], given: object = {}): ToKeeper {
  const launch = {
    ...{ number: 1, argv, cwd: home, agent: null, task: null, deadlineAt: null, graceMs: 200, stdin: null },
    ...{ mergeOutput: false, token: 'a-token', continuation: null, attempt: 'a1', ...given },
  };
  return { type: 'spawn', id, launch };
}

/** Creates the folder of a run, as the daemon does. */
function makeFolder(home: string, id: string): string {
  const folder = join(home, 'runs', id);
  mkdirSync(folder);
  writeFileSync(join(folder, 'env.json'), JSON.stringify({ PATH: path }));
  return folder;
}

/** Returns the value with the type of each part that differs from machine to machine, in place of the part. */
function shapeOf(value: unknown, key = ''): unknown {
  // Facts about the machine: which containment it allows, and what its keeper could give.
  if (['traits', 'containment', 'cgroup', 'kernelMark', 'pidNamespace', 'members', 'targets'].includes(key))
    return 'any';
  if (Array.isArray(value)) return value.map((each) => shapeOf(each, key));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([name, each]) => [name, shapeOf(each, name)] as const);
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
  const exact = [
    'type',
    'id',
    'code',
    'signal',
    'byDeadline',
    'protocol',
    'revision',
    'errorCode',
    'attempt',
    'number',
  ];
  return exact.includes(key) || typeof value !== 'number' ? value : 'number';
}

/** Returns the files of a run folder with their content, without temporary ones. */
function filesOf(folder: string) {
  return readdirSync(folder)
    .filter((name) => name !== 'env.json' && !name.startsWith('.'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      return [name, name.endsWith('.json') ? shapeOf(JSON.parse(text)) : text];
    });
}

type Told = { readonly messages: unknown[]; readonly files: unknown[] };

/** Lets a keeper have one run, and returns what it says and writes. `act` is what the daemon does meanwhile. */
async function life(kind: Kind, argv: readonly string[], { messages = 3, given = {}, act }: Life = {}): Promise<Told> {
  const folder = makeFolder(kind.home, 'run1');
  const line = await greet(kind, 1);
  line.say(spawnOrder(kind.home, 'run1', argv, given));
  await act?.(line, kind, folder);
  await heard(kind, line, messages);
  const withoutPaths = JSON.stringify(line.received.map((message) => shapeOf(message))).replaceAll(kind.home, 'HOME');
  return {
    messages: JSON.parse(withoutPaths),
    files: JSON.parse(JSON.stringify(filesOf(folder)).replaceAll(kind.home, 'HOME')),
  };
}

type Life = {
  readonly messages?: number;
  readonly given?: object;
  readonly act?: (line: Line, kind: Kind, folder: string) => Promise<void>;
};

const isThere = 'kill -0 $$; sleep 1000';

describe('the fake keeper equals the real keeper', () => {
  it.each<[what: string, argv: string[], plan: Plan, life?: Life]>([
    [
      'for a run that prints and exits with 0',
      ['sh', '-c', 'echo out; echo err >&2'],
      { steps: [{ raw: 'out\n' }, { complain: 'err' }, { exit: 0 }] },
    ],
    ['for a run that exits with 3', ['sh', '-c', 'exit 3'], { steps: [{ exit: 3 }] }],
    ['for a run that dies by a signal', ['sh', '-c', 'kill -9 $$'], { steps: [{ dies: 'SIGKILL' }] }],
    [
      'for a run whose output goes into one log',
      ['sh', '-c', 'echo out; echo err >&2'],
      { steps: [{ raw: 'out\n' }, { complain: 'err' }, { exit: 0 }] },
      { given: { mergeOutput: true } },
    ],
    [
      'for a command that does not exist',
      ['no-such-command'],
      {
        steps: [],
        fails: {
          code: 'command_not_found',
          message: `The command no-such-command was not found in the run's PATH, ${path}`,
        },
      },
      { messages: 2 },
    ],
    [
      'for a second request to start the same run',
      ['sh', '-c', isThere],
      { steps: [] },
      {
        act: async (line, kind) => {
          await heard(kind, line, 2);
          line.say(spawnOrder(kind.home, 'run1', ['true']));
        },
      },
    ],
    [
      'for a ping, a search and a signal',
      ['sh', '-c', isThere],
      { steps: [] },
      {
        messages: 6,
        act: async (line, kind) => {
          await heard(kind, line, 2);
          const started = line.received.find(({ type }) => type === 'started');
          if (started?.type !== 'started') throw new Error('it was not started');
          line.say({ type: 'ping', n: 1 });
          line.say({ type: 'find', n: 2, family: { runId: 'run1', leader: started.leader } });
          await heard(kind, line, 4);
          const found = line.received.find(({ type }) => type === 'found');
          if (found?.type !== 'found') throw new Error('nothing was found');
          const members = found.members.filter(({ proof }) => proof === 'leader');
          line.say({ type: 'signal', n: 3, signal: 'SIGKILL', members, cgroup: null });
        },
      },
    ],
  ])('%s', async (_, argv, plan, given) => {
    const { real, fake } = await ofBoth(plan, (kind) => life(kind, argv, given));
    expect(fake).toEqual(real);
  });

  it('for a launch that was taken back before it began', async () => {
    const { real, fake } = await ofBoth({ steps: [] }, async (kind) => {
      const folder = makeFolder(kind.home, 'run1');
      const line = await greet(kind, 1);
      writeFileSync(join(folder, '.withdrawn.a1'), '');
      line.say({ type: 'withdraw', id: 'run1' });
      await heard(kind, line, 2);
      line.say(spawnOrder(kind.home, 'run1', ['true']));
      await heard(kind, line, 3);
      return { messages: line.received.map((message) => shapeOf(message)), files: filesOf(folder) };
    });
    expect(fake).toEqual(real);
  });

  it('for an older daemon and orders before the greeting', async () => {
    const { real, fake } = await ofBoth({ steps: [] }, async (kind) => {
      await greet(kind, 5);
      const late = await greet(kind, 4);
      late.say({ type: 'drain' });
      await heard(kind, late, 2);
      return late.received.map((message) => shapeOf(message));
    });
    expect(fake).toEqual(real);
  });
});
