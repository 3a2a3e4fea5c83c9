/** The style of the output: colors, width and links. */
import { knowsLinks } from './hyperlinks.ts';

export type TextStyle = {
  readonly colour: boolean;
  readonly width: number | null;
  /** Whether the terminal is known to show links. */
  readonly links?: boolean;
};

/**
 * Returns the text style. Color follows the option, else the terminal and NO_COLOR / FORCE_COLOR. A width is set only
 * on a terminal, so that pipes get everything.
 */
export function readTextStyle(
  choice: string,
  env: NodeJS.ProcessEnv,
  stream: { readonly isTTY: boolean; readonly columns: number },
): TextStyle {
  const automatic = env['NO_COLOR']
    ? false
    : env['FORCE_COLOR']
      ? env['FORCE_COLOR'] !== '0'
      : stream.isTTY === true && env['TERM'] !== 'dumb';
  const colour = choice === 'always' || (choice !== 'never' && automatic);
  return { colour, width: stream.isTTY ? stream.columns || 80 : null, links: knowsLinks(env, stream.isTTY) };
}

const codes = { bold: 1, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, gray: 90 } as const;

export type Colour = keyof typeof codes;

/** Returns the color of an escape code of `paint`, or null. */
export function findColour(code: number): Colour | null {
  return (Object.keys(codes) as Colour[]).find((colour) => codes[colour] === code) ?? null;
}

/**
 * Returns the text in a color. It ends with a full reset and not with the end of the color, as `util.styleText` would
 * write it: the last filter before a terminal knows only these codes.
 */
export function paint(text: string, colour: Colour, look: TextStyle): string {
  return look.colour ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
}
