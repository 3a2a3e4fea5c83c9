/** Installs the CLIs and starts a model on loopback before all tests. Prints the table after all tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type CliName, cliNames, clis } from '../support/agent-clis.ts';
import { type Installed, install } from '../support/agent-install.ts';
import { readRows, record, tableOf } from '../support/agent-table.ts';
import { createServer } from '../support/fake-model-server.mjs';
import { scenarios } from './scenarios.ts';

declare module 'vitest' {
  interface ProvidedContext {
    programs: Readonly<Record<CliName, Installed>>;
    /** Address of the model, without a path. */
    model: string;
    /** Path of the file with every request that the model received, one line of JSON each. */
    requests: string;
    results: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'clip-agents-'));
  const results = join(folder, 'results.jsonl');
  const requests = join(folder, 'requests.jsonl');
  writeFileSync(requests, '');
  const programs = {} as Record<CliName, Installed>;
  for (const name of cliNames) {
    process.stdout.write(`${name} ${clis[name].version}: `);
    programs[name] = isWanted(name) ? await install(name) : { path: null, why: 'it was not asked for' };
    const { path, why } = programs[name];
    process.stdout.write(`${path ?? `SKIPPED: ${why}`}\n`);
    if (why !== null) record(results, { cli: name, scenario: null, result: 'skipped', problem: why });
  }
  const server = createServer({ log: requests, scenarios });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  provide('programs', programs);
  provide('model', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  provide('requests', requests);
  provide('results', results);
  return async () => {
    await server.stopAll();
    const table = tableOf(readRows(results));
    process.stdout.write(`\n${table}`);
    const { CLIP_AGENTS_TABLE: file } = process.env;
    if (file) writeFileSync(file, table);
    rmSync(folder, { recursive: true, force: true });
  };
}

/** Returns true for every CLI, or only for those that `CLIP_AGENTS` names. */
function isWanted(name: CliName): boolean {
  const { CLIP_AGENTS: names } = process.env;
  return !names || names.split(',').includes(name);
}
