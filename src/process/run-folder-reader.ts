/** Reads and validates the records of a run folder. Returns null for a missing file. */
import { existsSync, lstatSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Leader } from '#run/leader.ts';
import { readRunFile } from './run-file.ts';
import { type LaunchRecord, runFiles } from './run-folder.ts';

/** The size of started.json and exit.json. An error in them may name a whole command. */
const recordBytesMax = 2 ** 20;

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
  attempt: z.string().optional(),
}) as z.ZodType<LaunchRecord>;

/** The range of JavaScript dates. A later moment could not be formatted. */
export const momentSchema = z.number().min(0).max(8.64e15);
export const leaderSchema: z.ZodType<Leader> = z.object({
  pid: z.int().min(2),
  pgid: z.int().min(2),
  startTime: z.number(),
  bootId: z.string(),
  pidNamespace: z.string().nullish(),
  cgroup: z.string().nullish(),
  kernelMark: z.boolean().optional(),
  logs: z.object({ stdout: z.number(), stderr: z.number().nullable() }).optional(),
}) as z.ZodType<Leader>;
export const exitCodeSchema = z.int().min(0).max(255).nullable();
export const signalSchema = z
  .string()
  .regex(/^SIG[A-Z0-9]{1,20}$/)
  .nullable();

const startedSchema = z.intersection(leaderSchema, z.object({ at: momentSchema }));

const exitSchema = z
  .object({
    code: exitCodeSchema,
    signal: signalSchema,
    at: momentSchema,
    byDeadline: z.boolean().default(false),
    error: z.object({ code: z.string(), message: z.string() }).nullable().default(null),
    tick: z.number().nullable().default(null),
  })
  // A process ends in exactly one way, or was never started.
  .refine(({ code, signal, error }) => [code, signal, error].filter((way) => way !== null).length === 1);

export type ReadExit = z.infer<typeof exitSchema>;

/** Returns the record of the start; null when it is missing or damaged. Throws for a temporary error. */
export function readStarted(folder: string): { leader: Leader; at: number } | null {
  const record = readRecord(folder, runFiles.started, startedSchema);
  if (record === null) return null;
  const { at, ...leader } = record;
  return { leader, at };
}

/** Returns the record of the end; null when it is missing or damaged. Throws for a temporary error. */
export function readExit(folder: string): ReadExit | null {
  return readRecord(folder, runFiles.exit, exitSchema);
}

/**
 * Returns when the exit record was placed, by the clock of the file system, which a run cannot set: milliseconds
 * since the epoch, 0 if there is none.
 */
export function exitRecordedAt(folder: string): number {
  return lstatSync(join(folder, runFiles.exit), { throwIfNoEntry: false })?.ctimeMs ?? 0;
}

/** Returns what was launched, and when. The existence of the file alone says that a launch took place. */
export function readLaunch(folder: string): { launch: LaunchRecord; at: number } | null {
  const launch = readRecord(folder, runFiles.launch, launchSchema);
  if (launch === null) return null;
  return { launch, at: Math.floor(statSync(join(folder, runFiles.launch)).mtimeMs) };
}

/** Returns whether a keeper has begun to launch the run. */
export function wasLaunched(folder: string): boolean {
  return existsSync(join(folder, runFiles.launch));
}

export type OutputSize = {
  readonly stdoutBytes: number | null;
  readonly stderrBytes: number | null;
  readonly lastOutputAt: number | null;
};

/** Returns the sizes of the logs, null for a missing one. `lastOutputAt` is set only if there is output. */
export function readOutputSize(folder: string): OutputSize {
  const out = statFile(join(folder, runFiles.stdout));
  const err = statFile(join(folder, runFiles.stderr));
  const written = [out, err]
    .filter((file) => file !== undefined && file.size > 0)
    .map((file) => Math.floor(file?.mtimeMs ?? 0));
  return {
    stdoutBytes: out?.size ?? null,
    stderrBytes: err?.size ?? null,
    lastOutputAt: written.length === 0 ? null : Math.max(...written),
  };
}

/** Returns undefined for a log that cannot be examined, because the run itself can still be handled. */
function statFile(path: string): Stats | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? stat : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a record. Records are placed whole, so an invalid one was damaged from outside and proves nothing. Throws for
 * temporary errors, because a run whose exit record could not be read must not be called lost.
 */
function readRecord<T>(folder: string, name: string, schema: z.ZodType<T>): T | null {
  let text: string;
  try {
    text = readRunFile(join(folder, name), recordBytesMax).toString('utf8');
  } catch (error) {
    if (isPassing(error)) throw error;
    return null;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Returns true for temporary errors, for example too many open files. */
function isPassing(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR'].includes(
    String((error as NodeJS.ErrnoException | null)?.code),
  );
}
