/** Validates a mapping. Every error names its field. */
import { z } from 'zod';
import { type CommandPart, type Mapping, permissions } from '#run/agent.ts';
import { errorClasses } from '#run/agent-event.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { wireLimits } from './wire-limits.ts';

const text = z
  .string()
  .max(limits.accountPathLength)
  .refine((value) => !value.includes('\0'), 'must not contain a NUL character');
const texts = z.array(text).max(wireLimits.agentArgs);
const path = z
  .string()
  .max(limits.nameLength)
  .regex(/^[^.\s]+(\.[^.\s]+)*$/, 'must be a dotted path like message.content')
  // Every object has these, whatever the line contains.
  .refine(
    (value) => !value.split('.').some((step) => ['__proto__', 'constructor', 'prototype'].includes(step)),
    'must name a field of the line',
  );
const field = z.union(
  [path, z.array(path).min(1).max(10)],
  'must be a dotted path like message.content, or a list of them',
);
const flagged = z.union(
  [z.literal(true), path, z.array(path).min(1).max(10)],
  'must be true, a dotted path, or a list of them',
);
const condition = z.union(
  [
    text,
    z.number(),
    z.boolean(),
    z.array(text).min(1),
    z.strictObject({ startsWith: text.min(1) }),
    z.strictObject({ present: z.boolean() }),
  ],
  'must be a value, a list of texts, {"startsWith": "…"} or {"present": true}',
);
const conditions = z.record(path, condition);
const part = z.strictObject({
  args: texts.optional(),
  env: z.record(z.string().regex(/^\w+$/, 'must be the name of a variable'), text).optional(),
});
const kind = z.enum(['command', 'write', 'read', 'other']);
const scope = z.enum(['part', 'session', 'call']);

const rule = z
  .strictObject({
    when: conditions,
    each: path.optional(),
    where: conditions.optional(),
    session: z
      .strictObject({ id: field, model: field.optional(), version: field.optional(), permission: field.optional() })
      .optional(),
    message: z.strictObject({ text: field, delta: z.boolean().optional() }).optional(),
    tool: z
      .strictObject({
        id: field,
        name: field.optional(),
        kind: kind.optional(),
        kinds: z.record(z.string(), kind).optional(),
        command: field.optional(),
        file: field.optional(),
      })
      .optional(),
    toolEnd: z
      .strictObject({ id: field, exitCode: field.optional(), failed: flagged.optional(), denied: flagged.optional() })
      .optional(),
    tokens: z
      .strictObject({
        input: field.optional(),
        cached: field.optional(),
        output: field.optional(),
        model: field.optional(),
        scope,
        id: field.optional(),
      })
      .refine(({ scope, id }) => scope !== 'call' || id !== undefined, {
        path: ['id'],
        message: 'is missing: counts of a call need the id of the call',
      })
      .optional(),
    cost: z.strictObject({ usd: field, scope: z.enum(['part', 'session']) }).optional(),
    error: z.strictObject({ message: field, status: field.optional() }).optional(),
    retrying: z.strictObject({ attempt: field.optional(), of: field.optional(), message: field.optional() }).optional(),
    result: z
      .strictObject({ failed: flagged.optional(), message: field.optional(), status: field.optional() })
      .optional(),
  })
  .refine(({ where, each }) => where === undefined || each !== undefined, {
    path: ['where'],
    message: 'needs each, the list whose elements it chooses',
  })
  .refine(
    ({ when: _, each: __, where: ___, ...readings }) => Object.keys(readings).length > 0,
    'reads nothing: it needs session, message, tool, toolEnd, tokens, cost, error, retrying or result',
  );

export const mappingSchema: z.ZodType<Mapping, unknown> = z
  .strictObject({
    command: text.min(1),
    prompt: z.enum(['stdin', 'file']).default('stdin'),
    start: part.default({}),
    resume: part.nullable().default(null),
    model: part.default({}),
    permission: z
      .strictObject({ ask: part.default({}), edit: part.default({}), full: part.default({}) })
      .default({ ask: {}, edit: {}, full: {} }),
    removeEnv: z.array(z.string().regex(/^\w+$/, 'must be the name of a variable')).max(100).default([]),
    politeSignal: z.enum(['SIGINT']).nullable().default(null),
    needsResult: z.boolean().default(false),
    text: z.enum(['words', 'ignored']).default('words'),
    errorPrefixes: z.array(text.min(1)).max(20).default([]),
    exitCodes: z.record(z.string().regex(/^\d{1,3}$/, 'must be an exit code'), z.enum(errorClasses)).default({}),
    rules: z.array(rule).max(100).default([]),
  })
  .superRefine((mapping, context) => {
    for (const { path: where, message } of misplaced(mapping))
      context.addIssue({ code: 'custom', path: [...where], message });
  });

type Wrong = { readonly path: readonly (string | number)[]; readonly message: string };

/**
 * Returns errors that involve several fields: placeholders that cannot be filled there, or that are missing where they
 * are needed.
 */
function misplaced({ prompt, start, resume, model, permission, needsResult, rules }: Mapping): Wrong[] {
  const places = [
    { at: ['start'], part: start, may: ['promptFile', 'newSession'] },
    { at: ['resume'], part: resume ?? {}, may: ['promptFile', 'session'] },
    { at: ['model'], part: model, may: ['model'] },
    ...permissions.map((name) => ({ at: ['permission', name], part: permission[name], may: [] as string[] })),
  ];
  const wrong = places.flatMap(({ at, part: { args = [], env = {} }, may }) => [
    ...args.flatMap((value, index) =>
      strangers(value, may).map((message) => ({ path: [...at, 'args', index], message })),
    ),
    ...Object.entries(env).flatMap(([name, value]) =>
      strangers(value, may).map((message) => ({ path: [...at, 'env', name], message })),
    ),
  ]);
  const names = (given: CommandPart | null, placeholder: string) =>
    [...(given?.args ?? []), ...Object.values(given?.env ?? {})].some((value) => value.includes(`{{${placeholder}}}`));
  const starts = [['start', start] as const, ...(resume === null ? [] : [['resume', resume] as const])];
  for (const [at, given] of starts) {
    if (prompt === 'file' && !names(given, 'promptFile'))
      wrong.push({ path: [at], message: 'needs {{promptFile}}, since prompt is "file"' });
    if (prompt === 'stdin' && names(given, 'promptFile'))
      wrong.push({ path: [at], message: 'has {{promptFile}}, but prompt is "stdin": make it "file"' });
  }
  if (resume !== null && !names(resume, 'session'))
    wrong.push({ path: ['resume'], message: 'needs {{session}}, the id of the session to go on with' });
  if (needsResult && !rules.some(({ result }) => result !== undefined))
    wrong.push({ path: ['needsResult'], message: 'is true, but no rule has a result' });
  return wrong;
}

function strangers(value: string, may: readonly string[]): string[] {
  const found = [...value.matchAll(/\{\{(.*?)\}\}/g)].map(([, name = '']) => name);
  return found.flatMap((name) => {
    if (may.includes(name)) return [];
    if (name === 'prompt')
      return [
        'has {{prompt}}: the prompt is never an argument, where every user of the machine could read it; ' +
          'use {{promptFile}} or standard input',
      ];
    const known = may.length === 0 ? '' : `; known: ${may.map((each) => `{{${each}}}`).join(', ')}`;
    return [`has {{${name}}}, which is not known here${known}`];
  });
}

/** Parses a mapping. Throws a usage error that names the field. */
export function readMapping(value: unknown, what: string): Mapping {
  const result = mappingSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue, ...more] = result.error.issues;
  const where = (issue?.path ?? []).reduce<string>(
    (path, step) => (typeof step === 'number' ? `${path}[${step}]` : `${path}${path === '' ? '' : '.'}${String(step)}`),
    '',
  );
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  throw new ClipError(
    'usage',
    `${what}: ${where === '' ? 'the mapping' : where} ${formatIssue(issue?.message ?? 'is wrong')}${others}.`,
    'docs/agents/presets-and-mappings.md has a worked example of a mapping.',
  );
}

/** Formats an issue. zod's own messages follow a colon; clip's continue the sentence. */
function formatIssue(message: string): string {
  return /^(must|needs|has|is|reads) /.test(message) ? message : `is not right: ${message}`;
}
