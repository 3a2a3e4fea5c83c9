/** The cost of showing a large stream of an agent as text. */
import { spawn } from 'node:child_process';
import { chmodSync, closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { clip, createHome } from './bench-home.ts';
import { cpuMs } from './measure.ts';
import { type BenchRow, type Result, scaled } from './row.ts';

const megabytes = scaled(50);
const streams = ['messages', 'tools'] as const;

export const renderedRows: readonly BenchRow[] = [
  {
    name: 'rendered',
    what: 'clip logs --rendered, 50 MB',
    against: 'reading the file',
    target: 'CPU ≤ 3 s, ≤ 180 MB',
    measure: measureRenderedLogs,
  },
];

/** Measures `clip logs --rendered` of 50 MB, of short messages and of messages with tools. */
async function measureRenderedLogs(): Promise<Result> {
  const home = createHome(2);
  const figures: string[] = [];
  let met = true;
  for (const [index, stream] of streams.entries()) {
    const file = join(home.base, `${stream}.jsonl`);
    writeStream(file, stream === 'tools');
    writeFileSync(join(home.base, stream), `#!/bin/sh\ncat ${file}\n`);
    chmodSync(join(home.base, stream), 0o755);
    await home.run(['agent', 'add', stream, '--adapter', 'codex', '--command', join(home.base, stream)]);
    await home.run(['run', '--agent', stream, '--wait', '-q', 'go']);
    const used = await usageOf([clip, 'logs', String(index + 1), '--rendered'], home.env);
    const cat = await usageOf(['-e', `require('fs').readFileSync('${file}')`], home.env);
    figures.push(`${stream} ${(used.ms / 1_000).toFixed(1)} s CPU, ${used.mb.toFixed(0)} MB; only read ${cat.ms} ms`);
    met &&= used.ms <= 3_000 && used.mb <= 180;
  }
  await home.end();
  return { figure: figures.join('; '), met };
}

/** Runs a program of Node, and returns its CPU time and its largest memory. */
function usageOf(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ ms: number; mb: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
    let [ms, mb] = [0, 0];
    const look = setInterval(() => {
      try {
        ms = cpuMs(child.pid ?? 0);
        mb =
          Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1] ?? mb * 1_024) /
          1_024;
      } catch {
        // It has just ended.
      }
    }, 10);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearInterval(look);
      if (code === 0) resolve({ ms, mb });
      else reject(new Error(`${args.join(' ')} ended with ${code}`));
    });
  });
}

const messages: readonly ((number: number) => string)[] = [
  (number) => `I will look at src/part-${number}.ts and then run the tests.`,
  (number) => `The function \`parse${number}\` in **src/a${number}.ts** returns null when the line is empty.`,
  (number) =>
    `Done: ${number} tests pass. Next I check /tmp/dir/file${number}.txt, which has more lines than expected.`,
  (number) => `Two things to do:\n\n- first the test of \`x_${number}\`\n- then the code`,
];

function writeStream(path: string, tools: boolean): void {
  const file = openSync(path, 'w');
  for (let number = 1; number % 1_000 !== 0 || statSync(path).size < megabytes * 2 ** 20; number += 1) {
    const text = messages[number % messages.length]?.(number) ?? '';
    const message = { type: 'item.completed', item: { id: `m${number}`, type: 'agent_message', text } };
    const events = tools ? [message, ...toolEvents(number)] : [message];
    writeSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }
  closeSync(file);
}

function toolEvents(number: number): object[] {
  const command = `/bin/bash -lc 'grep -rn "name${number}" src'`;
  const item = { id: `t${number}`, type: 'command_execution', command };
  const output = `src/part-${number}.ts:1:  const name${number} = call("text");\n`.repeat(number % 12);
  return [
    { type: 'item.started', item: { ...item, aggregated_output: '', exit_code: null, status: 'in_progress' } },
    { type: 'item.completed', item: { ...item, aggregated_output: output, exit_code: 0, status: 'completed' } },
  ];
}
