/**
 * The nice value, umask and limits of a run are its submitter's, not those of the shell that first started the daemon.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRoot } from '../support/containment.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, type TestHome } from '../support/home.ts';

/** A user of this test alone, so that no other test counts against its limits. */
const otherUid = 61_234;

type Shell = (script: string) => string[];

/** Returns a function that runs scripts as this user, in which `clip` is our command, and returns their lines. */
function shellOf(home: TestHome, asUser: boolean): Shell {
  const bin = join(home.base, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'clip'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, { mode: 0o755 });
  if (asUser) {
    for (const path of [home.base, bin]) chownSync(path, otherUid, otherUid);
    chmodSync(home.base, 0o755);
  }
  const who = asUser ? ['setpriv', '--reuid', String(otherUid), '--regid', String(otherUid), '--clear-groups'] : [];
  const env = { ...home.env, PATH: `${bin}:/usr/bin:/bin` };
  return (script) => {
    // The final `exit` keeps bash from replacing itself with the last command. Its settings are then visible in bash
    // itself.
    const [command = '', ...args] = [...who, 'bash', '-c', `${script}; exit $?`];
    return execFileSync(command, args, { env, cwd: home.base, encoding: 'utf8' }).trim().split('\n');
  };
}

/** The nice value of the tests themselves. */
const nice = getPriority();
const says = "sh -c 'nice; ulimit -Sn; ulimit -Hn; umask'";
/** The hard limit of the tests themselves bounds what a submitter can have. */
const hard = Number(execFileSync('bash', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }));

describe.each([
  ['root', false],
  ['a user who may not raise anything', true],
])('The runs of %s', (_, asUser) => {
  it.skipIf(!isRoot && asUser)("have the limits of their submitter, not of the daemon's first shell", () => {
    const home = createHome();
    const shell = shellOf(home, asUser);
    shell('umask 077; nice -n 7 prlimit --nofile=300:600 -- clip daemon start');
    const [first, second] = [
      shell(`umask 022; ulimit -Sn 1024; clip run -f -q -- ${says}`),
      shell(`umask 027; ulimit -n 512; nice -n 5 clip run -f -q -- ${says}`),
    ];
    expect(first).toEqual([String(nice), '1024', String(hard), '0022']);
    expect(second).toEqual([String(nice + 5), '512', '512', '0027']);
  });

  it.skipIf(!isRoot && asUser)('have the limits of their submitter in a batch and after a retry', deep, () => {
    const home = createHome();
    const shell = shellOf(home, asUser);
    shell('nice -n 7 clip daemon start');
    shell(
      `echo '{"command":["sh","-c","nice; ulimit -Sn"]}' > lines; ulimit -Sn 1000; clip run --batch lines --wait -q`,
    );
    expect(shell('clip logs 1')).toEqual([String(nice), '1000']);
    shell('ulimit -Sn 900; nice -n 3 clip retry -w -q 1');
    expect(shell('clip logs 2')).toEqual([String(nice + 3), '900']);
  });

  it.skipIf(!isRoot && asUser)('keep the limits of their submitter in the queue, across daemons', deep, () => {
    const home = createHome();
    const shell = shellOf(home, asUser);
    shell('clip queue hold');
    shell(`umask 007; ulimit -Sn 800; nice -n 4 clip run -q -- ${says}`);
    shell('nice -n 2 clip daemon restart && clip queue release && clip wait 1');
    expect(shell('clip logs 1').toSpliced(2, 1)).toEqual([String(nice + 4), '800', '0007']);
  });
});

describe("A run with its submitter's limits", () => {
  it('says that its command is missing or not executable', deep, async () => {
    const home = createHome();
    const shell = shellOf(home, false);
    writeFileSync(join(home.base, 'closed'), '#!/bin/sh\n', { mode: 0o644 });
    writeFileSync(join(home.base, 'orphan'), '#!/no/such/interpreter\n', { mode: 0o755 });
    shell(
      `ulimit -c 0; ulimit -v 9000000; for command in nosuchcommand ./closed ./orphan; do clip run -w -q -- "$command"; done; true`,
    );
    const codes = await Promise.all([1, 2, 3].map(async (number) => (await home.show(number)).errorCode));
    expect(codes).toEqual(['command_not_found', 'not_executable', 'command_not_found']);
  });

  it('keeps its arguments, its environment and its name', deep, async () => {
    const home = createHome();
    const shell = shellOf(home, false);
    // There is no shell in between: it would lose a variable whose name it cannot represent.
    const clip = `"${process.execPath}" "${program}"`;
    const script = `ulimit -v 9000000; env 'A.B=c d' ${clip} run -f -q -- perl -e 'print join "|", @ARGV, $ENV{"A.B"}' -- --locks=1 '' 'a b'`;
    expect(shell(script)).toEqual(['--locks=1||a b|c d']);
  });

  it('passes no internal variable to its process', deep, async () => {
    const home = createHome();
    const shell = shellOf(home, false);
    expect(shell('clip run -f -q -- env').filter((line) => line.startsWith('CLIP_SUBMITTER'))).toEqual([]);
  });
});
