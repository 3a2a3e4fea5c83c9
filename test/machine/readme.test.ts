import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHome, type Result, resultOf, root } from '../support/home.ts';

/** The blocks of README.md that show the API, as a person would paste them. */
function blocks(): string[] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  return [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, text]) => (text?.includes('curl') && text.includes('--unix-socket') ? [text] : []));
}

/** Runs a block with the home where it lies by default. A stream that goes on is cut once it has said something whole. */
async function paste(block: string, env: Record<string, string>, cwd: string): Promise<Result> {
  const endless = block.includes('follow=true');
  const child = spawn('bash', ['-euo', 'pipefail', '-c', block], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
    if (endless && text.includes('\n')) process.kill(-(child.pid as number), 'SIGTERM');
  });
  const result = await resultOf(child);
  return endless && result.signal === 'SIGTERM' ? { ...result, code: 0, stdout: text.slice(0, text.lastIndexOf('\n') + 1) } : result;
}

/** One JSON document, or a JSON document on each line. */
function parse(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line)]));
  }
}

describe('the README', () => {
  it('shows at least three requests to the API', () => {
    const requests =
      blocks()
        .join('\n')
        .match(/\bcurl\b[^\n]*--unix-socket/g) ?? [];
    expect(requests.length).toBeGreaterThanOrEqual(3);
  });

  it.each(blocks().map((block) => [block.trim().split('\n')[0], block]))('is true: %s', async (_, block) => {
    const home = createHome({ folder: '.local/state/clip' });
    await home.clip(['run', '--wait', '--', 'echo', 'hello']);
    const { CLIP_HOME: __, ...env } = home.env;
    const result = await paste(block as string, env, home.base);
    expect([result.code, result.stderr]).toEqual([0, '']);
    const answers = parse(result.stdout);
    expect(answers.length).toBeGreaterThan(0);
    for (const answer of answers) expect(answer).not.toHaveProperty('error');
  });
});
