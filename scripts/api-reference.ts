/** The API reference in docs/api.md, made from the OpenAPI document. */

type Schema = {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
};
type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
type Parameter = { readonly in: string; readonly name: string; readonly required?: boolean; readonly schema?: Schema };
type Operation = {
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
};
export type ApiDocument = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

/** Returns docs/api.md: for each route its parameters, its body and the fields of its answer. */
export function formatApiReference({ paths }: ApiDocument): string {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => formatOperation(`${method.toUpperCase()} ${path}`, operation)),
  );
  return `${head}\n${routes.join('\n')}`;
}

const head = `# API

HTTP over the Unix socket \`clip.sock\` in the home; there is no TCP port. The same description is served as OpenAPI at \`/v1/openapi.json\`. This page is generated from it: \`UPDATE_API_REFERENCE=1 npx vitest run --project pure test/pure/api-reference.test.ts\`.

\`\`\`sh
curl -sf --unix-socket ~/.local/state/clip/clip.sock http://clip/v1/status
\`\`\`

Answers are JSON documents with \`"schema": 1\`, or JSON lines (\`application/x-ndjson\`). Errors have a status of 400 or more and the body \`{"error":{"code","message","hint"}}\`; \`clip help errors\` lists the codes. A field of type \`T | null\` is \`null\` where the value is not known.
`;

function formatOperation(title: string, { summary, parameters = [], requestBody, responses }: Operation): string {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const body = requestBody === undefined ? null : findSchema(requestBody.content);
  const answer = responses['200']?.content ?? {};
  return [
    `## ${title}`,
    '',
    summary,
    '',
    ...formatFields(
      'Query',
      query.map(({ name, required = false, schema = {} }) => ({ name, required, schema })),
    ),
    ...(body === null ? [] : formatFields('Body', listFields(body))),
    ...formatAnswer(answer),
  ].join('\n');
}

type Field = { readonly name: string; readonly required: boolean; readonly schema: Schema };

function listFields({ properties = {}, required = [] }: Schema): Field[] {
  return Object.entries(properties).map(([name, schema]) => ({ name, required: required.includes(name), schema }));
}

function findSchema(content: Content): Schema | null {
  return Object.values(content)[0]?.schema ?? null;
}

function formatFields(title: string, fields: readonly Field[]): string[] {
  if (fields.length === 0) return [];
  const rows = fields.map(
    ({ name, required, schema }) => `| \`${name}\` | ${formatType(schema)} | ${formatPresence(required, schema)} |`,
  );
  return [`| ${title} | type | |`, '|---|---|---|', ...rows, ''];
}

function formatPresence(required: boolean, schema: Schema): string {
  if (schema.default !== undefined) return `default \`${JSON.stringify(schema.default)}\``;
  return required ? 'required' : 'optional';
}

function formatAnswer(content: Content): string[] {
  const [[type, { schema }] = ['', {} as { schema?: Schema }]] = Object.entries(content);
  if (schema === undefined) return [];
  const lead = type === 'application/x-ndjson' ? 'Answers with JSON lines' : 'Answers with';
  return [`${lead}: ${formatType(schema)}`, ''];
}

/** Objects are cut below this depth: the OpenAPI document has them whole. */
const depthMax = 2;

function formatType(schema: Schema, depth = 0): string {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined)
    return [...new Set(alternatives.map((each) => formatType(each, depth)))].join(' \\| ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' \\| ');
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['any']);
  return types.map((type) => formatOneType(type, schema, depth)).join(' \\| ');
}

function formatOneType(type: string, schema: Schema, depth: number): string {
  if (type === 'array') return `list of ${formatType(schema.items ?? {}, depth)}`;
  if (type !== 'object' || schema.properties === undefined) return type;
  const names = Object.keys(schema.properties);
  if (depth >= depthMax) return 'object';
  return `{ ${names.map((name) => formatMember(name, schema.properties?.[name] ?? {}, depth + 1)).join(', ')} }`;
}

function formatMember(name: string, schema: Schema, depth: number): string {
  const nested = formatType(schema, depth);
  return nested.includes('{') ? `\`${name}\`: ${nested}` : `\`${name}\``;
}
