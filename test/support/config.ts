/** Writes config.toml for a test home. The daemon must not have started yet. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHome } from './home.ts';

export function configure(home: TestHome, text: string): void {
  const folder = join(home.env['XDG_CONFIG_HOME'] ?? '', 'clip');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.toml'), text);
}
