/** The process table of macOS, by `ps`. Parsing is apart from asking, so that it can be tested on recorded output. */
import { execFileSync } from 'node:child_process';
import { markVariable, roleVariable } from '../run/run.ts';
import { parsePsBirth } from './birth.ts';
import type { ProcessRow, ProcessTable, Query } from './process-row.ts';

const psMs = 10_000;

export function listDarwinProcesses({ bornAfter, except }: Query): ProcessTable {
  const ask = (...args: string[]) =>
    execFileSync('ps', args, { encoding: 'utf8', timeout: psMs, maxBuffer: 64 * 2 ** 20, env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' } });
  const user = String(process.getuid?.() ?? '');
  const facts = parsePsFacts(ask('-U', user, '-o', 'pid=,ppid=,pgid=,sess=,stat=,lstart=,ucomm='));
  const environments = parsePsEnvironments(ask('-E', '-ww', '-U', user, '-o', 'pid=,command='), ask('-ww', '-U', user, '-o', 'pid=,command='));
  const rows = facts
    .filter((row) => row.startTime >= bornAfter && !except.has(row.pid) && row.pid > 1)
    .map((row) => ({ ...row, mark: environments.get(row.pid)?.mark ?? null, ours: environments.get(row.pid)?.ours ?? false }));
  // System programs hide their environment behind integrity protection, so absence proves nothing here.
  return { rows, everythingReadable: false, processes: facts.length };
}

/** Lines of `pid ppid pgid sess stat lstart ucomm`; zombies are left out. macOS prints 0 for the session, so the group stands in for it. */
export function parsePsFacts(output: string): Omit<ProcessRow, 'mark' | 'ours'>[] {
  const rows: Omit<ProcessRow, 'mark' | 'ours'>[] = [];
  for (const line of output.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\w{3} \w{3}\s+\d+ \d\d:\d\d:\d\d \d{4})\s+(.*)$/.exec(line);
    if (!match) continue;
    const [, pid, ppid, pgid, , state = '', born = '', command = ''] = match;
    const startTime = parsePsBirth(`${state} ${born}`);
    if (startTime === null) continue;
    rows.push({ pid: Number(pid), ppid: Number(ppid), pgid: Number(pgid), session: Number(pgid), startTime, command: command.trim() });
  }
  return rows;
}

/**
 * Lines of `pid command and environment`, and the same lines without the environment: only what stands
 * behind the command is environment, so an argument that looks like a variable proves nothing. A process
 * that is in one of the two only has just come or gone, and is looked at again by the next sweep.
 */
export function parsePsEnvironments(withEnvironment: string, commands: string): Map<number, { mark: string | null; ours: boolean }> {
  const found = new Map<number, { mark: string | null; ours: boolean }>();
  const known = new Map(linesByPid(commands));
  for (const [pid, line] of linesByPid(withEnvironment)) {
    const command = known.get(pid);
    if (command === undefined || !line.startsWith(command)) continue;
    const environment = line.slice(command.length);
    // The first one counts: what follows may be part of another variable's value.
    const mark = new RegExp(`(?:^|\\s)${markVariable}=([a-z0-9]+)(?=\\s|$)`).exec(environment)?.[1] ?? null;
    found.set(pid, { mark, ours: new RegExp(`(?:^|\\s)${roleVariable}=\\w+(?=\\s|$)`).test(environment) });
  }
  return found;
}

function linesByPid(output: string): [number, string][] {
  return output.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s(.*)$/.exec(line);
    return match?.[1] === undefined ? [] : [[Number(match[1]), match[2] ?? '']];
  });
}
