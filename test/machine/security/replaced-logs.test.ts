import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deep } from '../../support/deep.ts';
import { agent, createHome, resultOf, type TestHome } from '../../support/home.ts';
import { until } from '../../support/until.ts';

const secret = 'a-secret-of-the-owner';

/** Creates a home with an ended run, and a file outside of it that must not be shown. */
async function homeWithRun(script: string): Promise<{ home: TestHome; folder: string; hidden: string }> {
  const home = createHome();
  const hidden = join(home.base, 'hidden');
  writeFileSync(hidden, `${secret}\n`);
  await home.clip([
    'agent',
    'add',
    'linker',
    '--adapter',
    'plain',
    '--command',
    'sh',
    '--arg',
    '-c',
    '--arg',
    `cat; ${script}`,
  ]);
  await home.clip(['run', '-q', '--wait', '--agent', 'linker', 'go'], { env: { HIDDEN: hidden } });
  const { id } = await home.show(1);
  return { home, folder: join(home.folder, 'runs', id), hidden };
}

/**
 * Returns the output of everything that shows logs: the raw bytes, the text, the HTML report, the API and the
 * dashboard's stream.
 */
async function allThatIsShown(home: TestHome): Promise<string> {
  const page = join(home.base, 'page.html');
  rmSync(page, { force: true });
  const shown = [
    await home.clip(['logs', '1']),
    await home.clip(['logs', '1', '--raw']),
    await home.clip(['logs', '1', '-n', '5']),
    await home.clip(['logs', '1', '-f']),
    await home.clip(['logs', '1', '--rendered']),
    await home.clip(['show', '1', '--json']),
    await home.clip(['report-html', page]),
  ];
  return shown.map(({ stdout, stderr }) => stdout + stderr).join('\n') + readFileSync(page, 'utf8');
}

describe('A run that replaces', () => {
  it.each([
    ['its log by a link', 'ln -sf "$HIDDEN" "$CLIP_HOME/runs/$CLIP_RUN_ID/stdout.log"'],
    [
      'its log by a link after having compressed it',
      'rm "$CLIP_HOME/runs/$CLIP_RUN_ID/stdout.log"; ln -s "$HIDDEN" "$CLIP_HOME/runs/$CLIP_RUN_ID/stdout.log.gz"',
    ],
    ['its log by a named pipe', 'f="$CLIP_HOME/runs/$CLIP_RUN_ID/stdout.log"; rm "$f"; mkfifo "$f"'],
  ])('%s has nothing of its target shown, and the log is reported as gone', deep, async (_, script) => {
    const { home } = await homeWithRun(script);
    const shown = await allThatIsShown(home);
    expect(shown).not.toContain(secret);
    expect(shown).toContain('is gone');
    expect(await home.show(1)).toMatchObject({ status: 'succeeded' });
  });

  it('its prompt by a link sends nothing of the target in a retry', async () => {
    const home = createHome();
    const hidden = join(home.base, 'hidden');
    writeFileSync(hidden, secret);
    const path = join(home.base, 'agent');
    writeFileSync(path, `#!/bin/sh\ncat\nln -sf '${hidden}' "$CLIP_HOME/runs/$CLIP_RUN_ID/prompt.txt"\n`, {
      mode: 0o755,
    });
    await home.clip(['agent', 'add', 'linker', '--adapter', 'plain', '--command', path]);
    await home.clip(['run', '-q', '-w', '--agent', 'linker', 'hello']);
    const retried = await home.clip(['retry', '1', '-w']);
    expect(retried.stderr).toContain('is not kept any more');
    expect((await home.clip(['runs', '--json'])).stdout).not.toContain(secret);
  });

  it('its whole folder by a link has no file of the target shown', deep, async () => {
    const { home, folder } = await homeWithRun('echo said');
    const other = join(home.base, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'stdout.log'), `${secret}\n`);
    rmSync(folder, { recursive: true });
    symlinkSync(other, folder);
    expect(await allThatIsShown(home)).not.toContain(secret);
  });
});

describe('A log truncated while followed', () => {
  it.each([
    ['and grows beyond where it was', 'x'.repeat(5_000)],
    ['and stays shorter', 'short'],
  ])('%s is shown from its new beginning, with a notice', deep, async (_, again) => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const run = await home.submit(['--', agent('waits-for-a-file.sh'), gate]);
    const { id } = await home.untilStatus(run, 'running');
    const log = join(home.folder, 'runs', id, 'stdout.log');
    appendFileSync(log, 'first line of the log\n');
    const following = home.start(['logs', '-f', String(run)]);
    let seen = '';
    following.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    const result = resultOf(following);
    await until('the first line is shown', () => seen.includes('first line of the log'));
    truncateSync(log, 0);
    appendFileSync(log, `begun once more\n${again}\n`);
    await until('later output is shown', () => seen.includes(`begun once more\n${again}`));
    writeFileSync(gate, '');
    expect((await result).stderr).toContain('was truncated');
  });
});
