/** Batches: JSON lines. The first line may hold defaults. Times and sizes may be written as on the command line. */
import { z } from 'zod';
import { ClipError } from '#run/errors.ts';
import { tooMuchIn } from './json-size.ts';
import { type RunRequestInput, runRequest } from './requests.ts';
import { parseDuration, parseSize } from './units.ts';

/** `{"defaults":{…}}`: fields for every following line. `env` is merged, and a line's own values win. */
const inner = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema;
/** Absent fields stay absent. A default here would override what a line or its agent sets. */
const partial = z.strictObject(
  Object.fromEntries(Object.entries(runRequest.shape).map(([name, schema]) => [name, inner(schema).optional()])),
);
export const batchDefaults = z.strictObject({ defaults: partial });

const friendly = z.looseObject({
  // Validated before the merge, which would turn the characters of a text into variables.
  env: runRequest.shape.env.unwrap().optional(),
  timeout: z.string().optional(),
  silence: z.string().optional(),
  grace: z.string().optional(),
  maxOutput: z.string().optional(),
});

/** Builds a run request from a line and the defaults. Throws ClipError or ZodError. */
export function runOfLine(line: unknown, defaults: Partial<RunRequestInput>): z.infer<typeof runRequest> {
  const wrong = tooMuchIn(line);
  if (wrong !== null)
    throw new ClipError('usage', `The line is not right: ${wrong}.`, 'A line is one run, and as large as one.');
  const { timeout, silence, grace, maxOutput, ...rest } = friendly.parse(line);
  const own = rest as Partial<RunRequestInput>;
  return runRequest.parse({
    ...defaults,
    ...own,
    // The defaults were validated once. Only the line's own variables are new.
    env: own.env === undefined ? defaults.env : { ...defaults.env, ...own.env },
    envNames:
      own.env === undefined ? defaults.envNames : [...new Set([...(defaults.envNames ?? []), ...Object.keys(own.env)])],
    ...(timeout === undefined ? {} : { timeoutMs: parseDuration(timeout, 'timeout') }),
    ...(silence === undefined ? {} : { silenceMs: parseDuration(silence, 'silence') }),
    ...(grace === undefined ? {} : { graceMs: parseDuration(grace, 'grace') }),
    ...(maxOutput === undefined ? {} : { outputBytesMax: parseSize(maxOutput, 'maxOutput') }),
  });
}
