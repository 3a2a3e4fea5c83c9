import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type ApiDocument, formatApiReference } from '../../scripts/api-reference.ts';
import { openApiDocument } from '../../scripts/openapi.ts';

const path = 'docs/api.md';

it('docs/api.md matches the schemas of the API', () => {
  const reference = formatApiReference(openApiDocument('0') as unknown as ApiDocument);
  if (process.env['UPDATE_API_REFERENCE']) writeFileSync(path, reference);
  expect(
    readFileSync(path, 'utf8'),
    'Make it again: UPDATE_API_REFERENCE=1 npx vitest run --project pure test/pure/api-reference.test.ts',
  ).toBe(reference);
});
