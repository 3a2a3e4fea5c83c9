import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type SettingDefinition, settings } from '#config/settings.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');

function row({ key, kind, standard, standardWords, says }: SettingDefinition): string {
  return `| \`${key}\` | ${kind} | ${standardWords ?? (standard === null ? 'none' : `\`${JSON.stringify(standard)}\``)} | ${says} |`;
}

describe('docs/configuration.md', () => {
  it.each(settings)('has $key with its kind, default and purpose, as the code has it', (setting) => {
    expect(text).toContain(row(setting));
  });

  it('has no setting that the code does not have', () => {
    expect([...(text.split('## Hooks')[0] ?? '').matchAll(/^\| `([\w.]+)` \|/gm)].map(([, key]) => key)).toEqual(
      settings.map(({ key }) => key),
    );
  });
});
