/** Reading the run folder: parsed once, here; null when a file is not there. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Leader } from '../run/run.ts';
import { type LaunchRecord, runFiles } from './run-folder.ts';

const launchSchema: z.ZodType<LaunchRecord> = z.object({
  number: z.int().min(1),
  argv: z.array(z.string()).min(1),
  cwd: z.string(),
  agent: z.string().nullable(),
  task: z.int().nullable(),
  deadlineAt: z.number().nullable(),
  graceMs: z.number(),
  stdin: z.string().nullable(),
  mergeOutput: z.boolean(),
  token: z.string().optional(),
  continuation: z.int().nullable().optional(),
}) as z.ZodType<LaunchRecord>;

const startedSchema = z.object({ pid: z.int().min(2), pgid: z.int().min(2), startTime: z.number(), bootId: z.string(), at: z.number() });

const exitSchema = z.object({
  code: z.int().nullable(),
  signal: z.string().nullable(),
  at: z.number(),
  byDeadline: z.boolean().default(false),
  error: z.object({ code: z.string(), message: z.string() }).nullable().default(null),
});

export type ReadExit = z.infer<typeof exitSchema>;

export function readStarted(folder: string): { leader: Leader; at: number } | null {
  const record = readRecord(folder, runFiles.started, startedSchema);
  if (record === null) return null;
  const { at, ...leader } = record;
  return { leader, at };
}

export function readExit(folder: string): ReadExit | null {
  return readRecord(folder, runFiles.exit, exitSchema);
}

/** What was launched, and when; the name of the file alone says that something was. */
export function readLaunch(folder: string): { launch: LaunchRecord; at: number } | null {
  const launch = readRecord(folder, runFiles.launch, launchSchema);
  if (launch === null) return null;
  return { launch, at: Math.floor(statSync(join(folder, runFiles.launch)).mtimeMs) };
}

export function wasLaunched(folder: string): boolean {
  return existsSync(join(folder, runFiles.launch));
}

export type OutputSize = { readonly stdoutBytes: number | null; readonly stderrBytes: number | null; readonly lastOutputAt: number | null };

/** Sizes of the logs, null for a log that is not there; `lastOutputAt` only when something was written. */
export function readOutputSize(folder: string): OutputSize {
  const out = statSync(join(folder, runFiles.stdout), { throwIfNoEntry: false });
  const err = statSync(join(folder, runFiles.stderr), { throwIfNoEntry: false });
  const written = [out, err].filter((file) => file !== undefined && file.size > 0).map((file) => Math.floor(file?.mtimeMs ?? 0));
  return { stdoutBytes: out?.size ?? null, stderrBytes: err?.size ?? null, lastOutputAt: written.length === 0 ? null : Math.max(...written) };
}

/** Records are put in place whole, so one that does not parse was damaged from outside: it proves nothing. */
function readRecord<T>(folder: string, name: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
  } catch {
    return null;
  }
}
