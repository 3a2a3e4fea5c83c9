/** A real terminal with a shell, in which a test uses the programs of a home as a person would. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { program, type TestHome } from './home.ts';
import { until } from './until.ts';

export type Terminal = ReturnType<typeof openTerminal>;

/** Opens a terminal, which is closed at the end of the test. `clip` is a command in it, and `$` is its prompt. */
export function openTerminal(
  home: TestHome,
  { columns = 100, rows = 30, env = {} }: { columns?: number; rows?: number; env?: Record<string, string> } = {},
) {
  const socket = join(home.base, 'tmux.sock');
  const tmux = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], {
      env: { ...home.env, ...env, TERM: 'xterm-256color' },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout;
  };
  const clip = `clip() { '${process.execPath}' '${program}' "$@"; }; PS1='$ '; clear`;
  tmux(
    'new-session',
    '-d',
    '-x',
    String(columns),
    '-y',
    String(rows),
    '-c',
    dirname(home.folder),
    'bash --norc --noprofile',
  );
  onTestFinished(() => void spawnSync('tmux', ['-S', socket, 'kill-server']));
  tmux('send-keys', clip, 'Enter');

  const screen = (): string => tmux('capture-pane', '-p').replaceAll(/ +$/gm, '');
  return {
    screen,
    /** Sends keys: `Enter`, `Escape`, `C-c` … by name, everything else as text. */
    keys: (...keys: string[]): void => void tmux('send-keys', ...keys),
    type: (line: string): void => void tmux('send-keys', '-l', line),
    /** Waits until the screen shows this text. Returns the screen. */
    shows: (what: RegExp | string, ms?: number): Promise<string> =>
      until(
        `the screen shows ${what}, and not\n${screen()}`,
        () => (typeof what === 'string' ? screen().includes(what) : what.test(screen())) && screen(),
        ms,
      ).then(String),
    resize: (width: number, height: number): void =>
      void tmux('resize-window', '-x', String(width), '-y', String(height)),
    /** Returns whether a program uses the alternate screen. */
    alternate: (): boolean => tmux('display-message', '-p', '#{alternate_on}').trim() === '1',
    /** Returns whether the terminal reports the mouse to a program. */
    reportsMouse: (): boolean => tmux('display-message', '-p', '#{mouse_standard_flag}').trim() === '1',
    cursorShown: (): boolean => tmux('display-message', '-p', '#{cursor_flag}').trim() === '1',
    /** Returns the name of the running program. */
    foreground: (): string => tmux('display-message', '-p', '#{pane_current_command}').trim(),
  };
}
