/** The process table of macOS, read with `ps`. Parsing is separate, so it can be tested on recorded output. */
import { execFileSync } from 'node:child_process';
import { markVariable, roleVariable } from '#run/leader.ts';
import { parsePsBirth } from './process-birth.ts';
import type { ProcessRow, ProcessTable, Query } from './process-info.ts';

const psMs = 10_000;
/** Matches a daemon or keeper of any version in a command line. */
const ownProgram = /\bbin\/clip(?:d|-keeper)\.js(?=\s|$)/;

/** Returns the process table of macOS. Throws when `ps` fails. */
export function listDarwinProcesses({ bornAfter, except, onRow }: Query): ProcessTable {
  const ask = (...args: string[]) =>
    execFileSync('ps', args, {
      encoding: 'utf8',
      timeout: psMs,
      maxBuffer: 64 * 2 ** 20,
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
    });
  const user = String(process.getuid?.() ?? '');
  // A run of root may have changed its user.
  const whose = user === '0' ? ['-A'] : ['-U', user];
  const facts = parsePsFacts(ask(...whose, '-o', 'pid=,ppid=,pgid=,sess=,stat=,lstart=,ucomm='));
  const environments = parsePsEnvironments(
    ask('-E', '-ww', '-U', user, '-o', 'pid=,command='),
    ask('-ww', '-U', user, '-o', 'pid=,command='),
  );
  const rows = facts
    .filter((row) => row.startTime >= bornAfter && !except.has(row.pid) && row.pid > 1)
    .sort((a, b) => b.startTime - a.startTime)
    .map((row) => ({
      ...row,
      mark: environments.get(row.pid)?.mark ?? null,
      ours: environments.get(row.pid)?.ours ?? false,
      hidden: false,
    }));
  for (const row of rows) onRow?.(row);
  // System Integrity Protection hides the environment of system programs, so a missing mark proves nothing here.
  return { rows, showsEnvironments: false, processes: facts.length, vanished: 0 };
}

/**
 * Parses lines of `pid ppid pgid sess stat lstart ucomm`, without zombies. macOS prints 0 for the session, so the group
 * replaces it.
 */
export function parsePsFacts(output: string): Omit<ProcessRow, 'mark' | 'ours' | 'hidden'>[] {
  const rows: Omit<ProcessRow, 'mark' | 'ours' | 'hidden'>[] = [];
  for (const line of output.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\w{3} \w{3}\s+\d+ \d\d:\d\d:\d\d \d{4})\s+(.*)$/.exec(
      line,
    );
    if (!match) continue;
    const [, pid, ppid, pgid, , state = '', born = '', command = ''] = match;
    const startTime = parsePsBirth(`${state} ${born}`);
    if (startTime === null) continue;
    rows.push({
      pid: Number(pid),
      ppid: Number(ppid),
      pgid: Number(pgid),
      session: Number(pgid),
      startTime,
      command: command.trim(),
    });
  }
  return rows;
}

/**
 * Parses lines of `pid command and environment` with the help of the same lines without the environment. Only text
 * after the command is environment, so an argument that looks like a variable proves nothing. A process that is in
 * only one of the two has just started or ended, and is examined by the next scan.
 */
export function parsePsEnvironments(
  withEnvironment: string,
  commands: string,
): Map<number, { mark: string | null; ours: boolean }> {
  const found = new Map<number, { mark: string | null; ours: boolean }>();
  const known = new Map(linesByPid(commands));
  for (const [pid, line] of linesByPid(withEnvironment)) {
    const command = known.get(pid);
    if (command === undefined || !line.startsWith(command)) continue;
    const environment = line.slice(command.length);
    // The first match counts. Later ones may be part of another variable's value.
    const mark = new RegExp(`(?:^|\\s)${markVariable}=([a-z0-9]+)(?=\\s|$)`).exec(environment)?.[1] ?? null;
    const role = new RegExp(`(?:^|\\s)${roleVariable}=\\w+(?=\\s|$)`).test(environment);
    found.set(pid, { mark, ours: role && ownProgram.test(command) });
  }
  return found;
}

function linesByPid(output: string): [number, string][] {
  return output.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s(.*)$/.exec(line);
    return match?.[1] === undefined ? [] : [[Number(match[1]), match[2] ?? '']];
  });
}
