import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, program, resultOf } from '../support/home.ts';

/** Returns every file of a folder, at any depth. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

describe('the environment of a run', () => {
  it('is that of its submitter, not of the daemon; --env has precedence', deep, async () => {
    const home = createHome();
    await home.clip(['daemon', 'start'], { env: { OF_DAEMON: 'yes' } });
    const script =
      'printf "%s|%s|%s|%s" "$OF_DAEMON" "$MINE" "$BOTH" "$EMPTY"; env | grep -q "^EMPTY=$" && echo "|set"';
    const options = ['--env', 'BOTH=option', '--env', 'EMPTY='];
    await home.clip(['run', '--wait', ...options, '--', 'sh', '-c', script], {
      env: { MINE: 'a\nb "c" \\', BOTH: 'shell' },
    });
    expect((await home.clip(['logs', '1'])).stdout).toBe('|a\nb "c" \\|option||set\n');
  });

  it('survives a restart of the daemon while the run is queued', deep, async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    await home.clip(['run', '--env', 'GIVEN=one\ntwo', '--', 'sh', '-c', 'echo "$GIVEN $MINE"'], {
      env: { MINE: 'shell' },
    });
    const { id } = await home.show(1);
    const file = join(home.folder, 'runs', id, 'env.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await home.clip(['daemon', 'restart']);
    await home.clip(['queue', 'release']);
    await home.clip(['wait', '1']);
    expect((await home.clip(['logs', '1'])).stdout).toBe('one\ntwo shell\n');
    expect(existsSync(file)).toBe(false);
  });

  it('lacks earlier --env values on a retry, and a notice names them', deep, async () => {
    const home = createHome();
    await home.clip(['run', '-q', '-w', '--env', 'FOO=bar', '--env', 'KEPT=1', '--', 'true']);
    const { stderr } = await home.clip(['retry', '1', '--env', 'KEPT=1', '-w']);
    expect(stderr).toContain(
      'Run 1 had values for FOO from --env, which are not kept. To give them again: clip retry 1 --env FOO=…',
    );
    expect((await home.clip(['retry', '1', '--env', 'KEPT=1', '--env', 'FOO=x', '-w'])).stderr).not.toContain(
      'not kept',
    );
  });

  it('may be large, for a run, a retry and a batch', deep, async () => {
    const home = createHome({
      env: Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`BIG${index}`, 'x'.repeat(110_000)])),
    });
    const command = ['sh', '-c', 'printenv BIG0 BIG9 | wc -c'];
    await home.clip(['run', '--wait', '--', ...command]);
    expect((await home.clip(['retry', '1'])).stdout).toBe('2\n');
    expect(
      (await home.clip(['run', '--batch', '-', '--wait'], { input: `${JSON.stringify({ command })}\n` })).code,
    ).toBe(0);
    await home.clip(['wait', '2']);
    for (const number of ['1', '2', '3']) expect((await home.clip(['logs', number])).stdout.trim()).toBe('220002');
  });

  it('leaves no value in database, events, log or run folder', async () => {
    const home = createHome();
    const canaries = ['shell', 'option', 'retry', 'batch', 'cancelled', 'missing'].map(
      (name) => `${name}-${randomBytes(12).toString('hex')}`,
    );
    const [shell, option, retry, batch, cancelled, missing] = canaries as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    await home.clip(['daemon', 'start']);
    await home.clip(
      ['run', '--wait', '--env', `GIVEN=${option}`, '--', 'sh', '-c', 'test -n "$GIVEN" && test -n "$MINE"'],
      { env: { MINE: shell } },
    );
    await home.clip(['retry', '1', '--env', `GIVEN=${retry}`]);
    await home.clip(['run', '--wait', '--batch', '-'], {
      input: JSON.stringify({ command: ['true'], env: { GIVEN: batch } }),
    });
    await home.clip(['queue', 'hold']);
    await home.clip(['run', '--env', `GIVEN=${cancelled}`, '--', 'true']);
    await home.clip(['cancel', '4']);
    await home.clip(['queue', 'release']);
    await home.clip(['run', '--wait', '--env', `GIVEN=${missing}`, '--', '/no/such/command']);
    await home.clip(['wait', '1', '2', '3', '4', '5']);
    const said = [
      await home.clip(['events']),
      ...(await Promise.all([1, 2, 3, 4, 5].map((number) => home.clip(['show', String(number), '--json'])))),
    ];
    const places = [
      ...filesIn(home.folder).map((path) => [path, readFileSync(path, 'latin1')]),
      ...said.map(({ stdout }) => ['answer', stdout]),
    ];
    expect(places.length).toBeGreaterThan(10);
    const found = places.flatMap(([place, text]) =>
      canaries.filter((canary) => text?.includes(canary)).map((canary) => `${place}: ${canary}`),
    );
    expect(found).toEqual([]);
    expect(filesIn(home.folder).filter((path) => path.endsWith('env.json'))).toEqual([]);
  });

  it("has the shell's umask, while clip's files are for their owner", deep, async () => {
    const home = createHome();
    const script = `umask 027; exec "${process.execPath}" "${program}" run --wait -q -- sh -c 'umask; : > made'`;
    expect(execFileSync('sh', ['-c', script], { env: home.env, cwd: home.base }).toString()).toBe('1\n');
    expect((await home.clip(['logs', '1'])).stdout.trim()).toMatch(/^0?027$/);
    expect(statSync(join(home.base, 'made')).mode & 0o777).toBe(0o640);
    const { id } = await home.show(1);
    expect(statSync(home.folder).mode & 0o777).toBe(0o700);
    const open = filesIn(home.folder).filter((path) => (statSync(path).mode & 0o077) !== 0);
    expect(open).toEqual([]);
    for (const folder of ['runs', `runs/${id}`]) expect(statSync(join(home.folder, folder)).mode & 0o777).toBe(0o700);
    expect(statSync(join(home.folder, 'clip.sock')).mode & 0o777).toBe(0o600);
  });
});

describe('the input of a run', () => {
  it("is a file or the command's input with --stdin, else empty", deep, async () => {
    const home = createHome();
    writeFileSync(join(home.base, 'input.txt'), 'from the file');
    const bytes = Buffer.from([0, 255, 10, 195, 40, 13, 27]);
    await home.clip(['run', '--wait', '--stdin', 'input.txt', '--', 'cat']);
    await home.clip(['run', '--wait', '--stdin', '-', '--', 'sh', '-c', 'cat > bytes'], { input: bytes });
    await home.clip(['run', '--wait', '--', 'cat']);
    expect((await home.clip(['logs', '1'])).stdout).toBe('from the file');
    expect(readFileSync(join(home.base, 'bytes'))).toEqual(bytes);
    expect(await home.show(3)).toMatchObject({ status: 'succeeded', stdoutBytes: 0 });
    const missing = await home.clip(['run', '--stdin', 'nowhere', '--json', '--', 'cat']);
    expect([missing.code, JSON.parse(missing.stderr).error.code]).toEqual([3, 'not_found']);
  });

  it('that is piped in without --stdin is not read, and a notice says so', deep, async () => {
    const home = createHome();
    const script = `echo unread | "${process.execPath}" "${program}" run -- cat 2>notice`;
    expect(execFileSync('sh', ['-c', script], { env: home.env, cwd: home.base }).toString()).toBe('1\n');
    expect(readFileSync(join(home.base, 'notice'), 'utf8')).toMatch(/^Standard input is not read.*--stdin -/);
    await home.clip(['wait', '1']);
    expect((await home.clip(['logs', '1'])).stdout).toBe('');
  });

  it('of 16 MiB is accepted, and a larger one is refused before the start', deep, async () => {
    const home = createHome();
    const most = Buffer.alloc(16 * 2 ** 20, 'x');
    await home.clip(['run', '--wait', '--stdin', '-', '--', 'wc', '-c'], { input: most });
    expect((await home.clip(['logs', '1'])).stdout.trim()).toBe(String(most.length));
    const result = await home.clip(['run', '--stdin', '-', '--json', '--', 'cat'], {
      input: Buffer.concat([most, Buffer.from('x')]),
    });
    expect([result.code, result.stdout, JSON.parse(result.stderr).error.code]).toEqual([5, '', 'too_large']);
  });
});

describe('Ctrl-C', () => {
  it.each([
    ['run --follow', ['run', '--follow', '--', 'sleep', '1000']],
    ['run --wait', ['run', '--wait', '--', 'sleep', '1000']],
    // The command prints that run 1 has ended and continues to wait for run 2.
    ['wait', ['wait', '1', '2']],
    ['logs -f', ['logs', '-f', '2']],
  ])('in %s leaves the run alive and names the command to cancel it', deep, async (verb, args) => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    if (!verb.startsWith('run')) await home.submit(['--', 'sh', '-c', 'echo ready; sleep 1000']);
    const client = home.start(args);
    const result = resultOf(client);
    const waits = new Promise<void>((resolve) => {
      client.stdout?.once('data', resolve);
      client.stderr?.once('data', resolve);
    });
    await waits;
    await home.untilStatus(2, 'running');
    client.kill('SIGINT');
    const { code, signal, stderr } = await result;
    expect(signal ?? code).toSatisfy((end: unknown) => end === 'SIGINT' || end === 130);
    expect(stderr).toMatch(/goes on\. Stop it: clip cancel 2|go on\. Stop them: clip cancel 1 2/);
    expect((await home.show(2)).status).toBe('running');
  });
});
