/** What a service manager is told to start at login, as text: a systemd user unit, a launchd agent. */

export type BootCommand = {
  /** Absolute paths of Node and of the daemon's program, with what stands between and behind them. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

/** Control characters cannot be written down in a unit; nobody has them in a path on purpose. */
export function canBeWritten({ argv, environment }: BootCommand): boolean {
  return ![...argv, ...Object.values(environment)].some((text) => [...text].some((char) => char < ' ' || char === '\u007f'));
}

/** Keepers and runs outlive the daemon (KillMode); one that was stopped on purpose ends with 0 and is left alone (Restart). */
export function systemdUnit({ argv, environment }: BootCommand): string {
  return [
    '# Written by clip boot enable; clip boot disable removes it.',
    '[Unit]',
    'Description=clip, a supervisor for AI coding agents',
    'StartLimitIntervalSec=60',
    'StartLimitBurst=5',
    '',
    '[Service]',
    // The colon: a dollar sign is a dollar sign.
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

/** AbandonProcessGroup: runs outlive the daemon. KeepAlive: one that was stopped on purpose is left alone. */
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

/** The programs that a unit of ours names, in their order; empty when it is none of ours. */
export function pathsIn(unit: string): string[] {
  const line = /^ExecStart=:(.*)$/m.exec(unit)?.[1];
  const words = line === undefined ? xmlArray(unit) : [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => systemdUnquoted(word));
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
