/** The command line on a pseudo terminal, as a person sees it, and what must never get to one. */
import { spawn } from 'node:child_process';
import { program, resultOf, type TestHome } from './home.ts';

/** All that it wrote to the terminal, byte for byte. */
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

/** Ways to steer a terminal, or to show a person something else than what is there. */
export const nasty =
  '\u001b[2J\u001b[31m\u001b]0;title\u0007\u001b]52;c;aGk=\u0007\u001b]8;;http://x\u001b\\link\u001bP+q\u001b\\\u001bc\u009b2J\u009d0;t\u009c\u0090q\u009c\u0007\b\u007f\r\u000e\u0085\u202eabc\u202c\u2066\u200b\u200e\ufeff\u{e0041}\u2028';
/** The same without what may not stand in an argument of a program, or in names that are checked. */
export const sneaky = 'plain\u202egnp\u2066\u200b\u200e\ufeff\u{e0041}';

/** What of this text steers or deceives a terminal; colours, as clip itself sets them, and line breaks do not. */
export function steering(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that clip sets itself
  const rest = text.replaceAll(/\u{1b}\[(?:0|1|3[1-6]|90)m/gu, '');
  return [...rest].flatMap((char, at, all) =>
    isSteering(char.codePointAt(0) ?? 0) ? [JSON.stringify(all.slice(at, at + 12).join(''))] : [],
  );
}

/** Said once more and otherwise than in the program: both halves of control characters, marks of direction, fillers, tags. */
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
