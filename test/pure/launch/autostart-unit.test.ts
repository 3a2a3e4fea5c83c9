import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canBeWritten, launchdAgent, pathsIn, systemdUnit } from '#launch/autostart-unit.ts';
import { unseen } from '#run/control-chars.ts';

const odd = {
  argv: ['/opt/my "node" 100%/$bin\\node', '--max-lazy', '/lib/<clip>&co/clipd.js', '--home', '/h'],
  environment: { PATH: '/a b:/c%d' },
};

describe('a systemd unit', () => {
  it('leaves keepers and runs alone, restarts failures, and quotes its text', () => {
    const unit = systemdUnit(odd).split('\n');
    expect(unit).toContain('KillMode=process');
    expect(unit).toContain('Restart=on-failure');
    expect(unit).toContain('WantedBy=default.target');
    expect(unit).toContain(
      'ExecStart=:"/opt/my \\"node\\" 100%%/$bin\\\\node" "--max-lazy" "/lib/<clip>&co/clipd.js" "--home" "/h"',
    );
    expect(unit).toContain('Environment="PATH=/a b:/c%%d"');
  });
});

describe('a launchd agent', () => {
  it('leaves keepers and runs alone, and is valid XML for any path', () => {
    const plist = launchdAgent('dev.clip.daemon', odd, '/h/daemon.err');
    expect(plist).toContain('<key>AbandonProcessGroup</key><true/>');
    expect(plist).toContain('<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>');
    expect(plist).toContain('<string>/lib/&lt;clip&gt;&amp;co/clipd.js</string>');
    expect(plist).toContain('<key>PATH</key><string>/a b:/c%d</string>');
  });
});

describe('the paths in a unit', () => {
  it('are read back as they were written', () => {
    const word = fc.string({ maxLength: 20 }).map((text) => `/${text.replace(unseen, '')}`);
    fc.assert(
      fc.property(word, word, (node, program) => {
        const command = { argv: [node, '--max-lazy', program], environment: {} };
        expect(canBeWritten(command)).toBe(true);
        expect(pathsIn(systemdUnit(command))).toEqual([node, program]);
        expect(pathsIn(launchdAgent('x', command, '/log'))).toEqual([node, program]);
      }),
    );
  });

  it('are refused with control characters, and unread in a foreign unit', () => {
    expect(canBeWritten({ argv: ['/a\n[Service]'], environment: {} })).toBe(false);
    expect(pathsIn('[Service]\nExecStart=/bin/true\n')).toEqual([]);
  });
});
