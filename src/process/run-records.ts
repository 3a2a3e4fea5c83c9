/** Reading the run folder: parsed once, here; null when a file is not there. */
import { existsSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { limits } from '../run/limits.ts';
import type { Leader } from '../run/run.ts';
import { readRegularFile } from './regular-file.ts';
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

/** What a date can be: a later one has no name, and could not be shown. */
export const momentSchema = z.number().min(0).max(8.64e15);
export const leaderSchema = z.object({ pid: z.int().min(2), pgid: z.int().min(2), startTime: z.number(), bootId: z.string() });
export const exitCodeSchema = z.int().min(0).max(255).nullable();
export const signalSchema = z
  .string()
  .regex(/^SIG[A-Z0-9]{1,20}$/)
  .nullable();

const startedSchema = leaderSchema.extend({ at: momentSchema });

const exitSchema = z
  .object({
    code: exitCodeSchema,
    signal: signalSchema,
    at: momentSchema,
    byDeadline: z.boolean().default(false),
    error: z.object({ code: z.string(), message: z.string() }).nullable().default(null),
  })
  // A process ends in one way; and one that never started ended in none.
  .refine(({ code, signal, error }) => [code, signal, error].filter((way) => way !== null).length === 1);

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
  const out = statOf(join(folder, runFiles.stdout));
  const err = statOf(join(folder, runFiles.stderr));
  const written = [out, err].filter((file) => file !== undefined && file.size > 0).map((file) => Math.floor(file?.mtimeMs ?? 0));
  return { stdoutBytes: out?.size ?? null, stderrBytes: err?.size ?? null, lastOutputAt: written.length === 0 ? null : Math.max(...written) };
}

/** Nothing for a log that cannot be looked at: its run can. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Records are put in place whole, so one that does not parse, or is no file, was damaged from outside: it proves nothing. */
function readRecord<T>(folder: string, name: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.parse(JSON.parse(readRegularFile(join(folder, name), limits.recordBytesMax).toString('utf8')));
  } catch {
    return null;
  }
}
