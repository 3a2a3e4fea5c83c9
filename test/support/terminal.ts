/** The command line on a pseudo terminal, and the characters that must never reach one. */
import { spawn } from 'node:child_process';
import { program, resultOf, type TestHome } from './home.ts';

/** Returns everything that the command wrote to the terminal, byte for byte. */
export async function onTerminal(
  home: TestHome,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const quoted = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = spawn('script', ['-qec', `stty -opost cols 200; ${quoted}`, '/dev/null'], {
    env: { ...home.env, TERM: 'xterm-256color', ...env },
    cwd: home.base,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return (await resultOf(child)).stdout;
}

/** Characters that control a terminal, or make text look different from what it is. */
export const hostileText =
  '\u001b[2J\u001b[31m\u001b]0;title\u0007\u001b]52;c;aGk=\u0007\u001b]8;;http://x\u001b\\link\u001bP+q\u001b\\\u001bc\u009b2J\u009d0;t\u009c\u0090q\u009c\u0007\b\u007f\r\u000e\u0085\u202eabc\u202c\u2066\u200b\u200e\ufeff\u{e0041}\u2028';
/** The same characters without those that an argument or a checked name cannot contain. */
export const deceptiveText = 'plain\u202egnp\u2066\u200b\u200e\ufeff\u{e0041}';

/** The output of a command may begin its own line again. */
const redraw = '\r\u001b[K';

/**
 * Returns the characters of this text that control a terminal or deceive a reader. Colors that clip sets and line
 * breaks are not included.
 */
export function steering(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colors that clip sets itself
  const rest = text.replaceAll(/\u{1b}\[(?:0|1|3[1-6]|90)m/gu, '').replaceAll(redraw, '');
  return [...rest].flatMap((char, at, all) =>
    isSteering(char.codePointAt(0) ?? 0) ? [JSON.stringify(all.slice(at, at + 12).join(''))] : [],
  );
}

/**
 * Returns whether this is a control character, a direction mark, a filler or a tag. This is a second implementation,
 * independent of the program's.
 */
function isSteering(code: number): boolean {
  const between = (from: number, to: number) => code >= from && code <= to;
  if (code === 0x0a || code === 0x09) return false;
  if (
    between(0, 0x1f) ||
    between(0x7f, 0x9f) ||
    between(0x2028, 0x202e) ||
    between(0x2060, 0x206f) ||
    between(0xe0000, 0xe007f)
  )
    return true;
  return [0xad, 0x61c, 0x180e, 0x200b, 0x200e, 0x200f, 0xfeff].includes(code);
}
