/** The text of the unit that starts the daemon at login: a systemd user unit or a launchd agent. */

export type BootCommand = {
  /** The command: absolute paths of Node and of the daemon's program, and their arguments. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

/** Returns whether a unit can express this command. Control characters cannot be written into a unit. */
export function canBeWritten({ argv, environment }: BootCommand): boolean {
  return ![...argv, ...Object.values(environment)].some((text) =>
    [...text].some((char) => char < ' ' || char === '\u007f'),
  );
}

/**
 * Returns the systemd unit. KillMode: keepers and runs outlive the daemon. Restart: a daemon that was stopped on
 * purpose exits with 0 and is not restarted.
 */
export function systemdUnit({ argv, environment }: BootCommand): string {
  return [
    '# Written by clip boot enable; clip boot disable removes it.',
    '[Unit]',
    'Description=clip, a supervisor for AI coding agents',
    'StartLimitIntervalSec=60',
    'StartLimitBurst=5',
    '',
    '[Service]',
    // The colon keeps dollar signs literal.
    `ExecStart=:${argv.map(systemdQuoted).join(' ')}`,
    ...Object.entries(environment).map(([name, value]) => `Environment=${systemdQuoted(`${name}=${value}`)}`),
    'KillMode=process',
    'Restart=on-failure',
    'RestartSec=2',
    'UMask=0077',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

/**
 * Returns the launchd agent. AbandonProcessGroup: runs outlive the daemon. KeepAlive: a daemon that was stopped on
 * purpose is not restarted.
 */
export function launchdAgent(label: string, { argv, environment }: BootCommand, log: string): string {
  const text = (value: string) => `<string>${xmlEscaped(value)}</string>`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    `  <key>Label</key>${text(label)}`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...argv.map((word) => `    ${text(word)}`),
    '  </array>',
    '  <key>EnvironmentVariables</key>',
    '  <dict>',
    ...Object.entries(environment).map(([name, value]) => `    <key>${xmlEscaped(name)}</key>${text(value)}`),
    '  </dict>',
    '  <key>RunAtLoad</key><true/>',
    '  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>',
    '  <key>AbandonProcessGroup</key><true/>',
    '  <key>Umask</key><integer>63</integer>',
    `  <key>StandardErrorPath</key>${text(log)}`,
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
}

/** Returns the programs that a unit of clip names, in order. Empty for any other unit. */
export function pathsIn(unit: string): string[] {
  const line = /^ExecStart=:(.*)$/m.exec(unit)?.[1];
  const words =
    line === undefined
      ? xmlArray(unit)
      : [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => systemdUnquoted(word));
  return words.filter((word) => word.startsWith('/'));
}

function xmlArray(unit: string): string[] {
  const array = /<key>ProgramArguments<\/key>\s*<array>([\s\S]*?)<\/array>/.exec(unit)?.[1] ?? '';
  return [...array.matchAll(/<string>([^<]*)<\/string>/g)].map(([, word = '']) => xmlUnescaped(word));
}

function systemdQuoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;
}

function systemdUnquoted(text: string): string {
  return text.replaceAll('%%', '%').replace(/\\(.)/g, '$1');
}

function xmlEscaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function xmlUnescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
}
