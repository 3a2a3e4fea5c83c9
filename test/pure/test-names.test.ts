import { globSync, readFileSync } from 'node:fs';
import { parseSync, Visitor } from 'rolldown/utils';
import { expect, it } from 'vitest';

const charactersMax = 90;

/** The functions that define tests, and which argument is the title. */
const titleAt: Readonly<Record<string, number>> = { describe: 0, it: 0, test: 0, scenario: 1 };

type Node = { readonly type: string };
type Call = Node & { readonly callee: Node; readonly arguments: readonly Node[] };
type Title = { readonly kind: string; readonly text: string };

/** Returns the name of the called function: `it` for `it.each(rows)`. */
function functionOf(callee: Node): string | null {
  const { type, name, object, callee: called } = callee as Node & { name?: string; object?: Node; callee?: Node };
  if (type === 'Identifier') return name ?? null;
  const inner = object ?? called;
  return inner === undefined ? null : functionOf(inner);
}

/** Returns the words of a string or a template without its expressions, or null for any other expression. */
function textOf(node: Node | undefined): string | null {
  const { value, quasis } = (node ?? {}) as { value?: unknown; quasis?: { value: { cooked: string } }[] };
  if (quasis !== undefined) return quasis.map((part) => part.value.cooked).join('');
  return typeof value === 'string' ? value : null;
}

function titleOf(call: Call): Title | null {
  const kind = functionOf(call.callee) ?? '';
  const at = Object.hasOwn(titleAt, kind) ? titleAt[kind] : undefined;
  const text = at === undefined ? null : textOf(call.arguments[at]);
  return text === null ? null : { kind, text };
}

/** Returns the full names of the tests in a source: the titles around a test and its own title. */
function namesIn(file: string, source: string): string[] {
  const around: string[] = [];
  const names: string[] = [];
  new Visitor({
    CallExpression: (call) => {
      const title = titleOf(call as Call);
      if (title?.kind === 'describe') around.push(title.text);
      else if (title !== null) names.push([...around, title.text].join(' '));
    },
    'CallExpression:exit': (call) => {
      if (titleOf(call as Call)?.kind === 'describe') around.pop();
    },
  }).visit(parseSync(file, source).program);
  return names;
}

/** Returns the length of a name without the parameters of a table, such as `%s` and `$name`. */
function lengthOf(name: string): number {
  return name
    .replaceAll(/%(?:\d+\$)?[sdifjo#]|\$[a-z]\w*/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim().length;
}

function findWrong(file: string, names: readonly string[]): string[] {
  return names.flatMap((name, index) => [
    ...(lengthOf(name) > charactersMax ? [`${file}: ${lengthOf(name)} characters: ${name}`] : []),
    ...(names.indexOf(name) < index ? [`${file}: two tests have this name: ${name}`] : []),
  ]);
}

it(`every test has a name of its own in its file, with at most ${charactersMax} characters`, () => {
  const files = globSync('test/**/*.test.{ts,tsx}').map((file) => ({
    file,
    names: namesIn(file, readFileSync(file, 'utf8')),
  }));
  expect(files.filter(({ names }) => names.length === 0).map(({ file }) => file)).toEqual([]);
  expect(files.flatMap(({ file, names }) => findWrong(file, names))).toEqual([]);
});

it('a name that is too long and a second test of the same name are found', () => {
  const long = 'x'.repeat(charactersMax);
  const source = `describe('a run', () => {
    it.each(['a'])('of %s ends', () => {});
    it('ends', () => {});
    it('ends', deep, () => {});
    describe('inside', () => it(\`\${'no'} ends\`, () => {}));
  });
  it('${long}', () => {});
  it('${long}y', () => {});`;
  const names = namesIn('x.ts', source);
  expect(names).toEqual(['a run of %s ends', 'a run ends', 'a run ends', 'a run inside  ends', long, `${long}y`]);
  expect(findWrong('x.ts', names)).toEqual([
    'x.ts: two tests have this name: a run ends',
    `x.ts: 91 characters: ${long}y`,
  ]);
});
