/** The screen that Ink draws: a frame in, keys out. */
import { type Key as InkKey, useApp, useInput, usePaste, useStdout } from 'ink';
import { type ReactElement, useLayoutEffect } from 'react';
import type { TextStyle } from '../terminal/style.ts';
import type { Size } from './dashboard-model.ts';
import type { Frame } from './frame.ts';
import type { Key } from './keys.ts';
import { mouseOff, mouseOn } from './mouse.ts';
import { View } from './view.tsx';

type Props = {
  readonly draw: (size: Size) => Frame | null;
  readonly size: Size;
  readonly look: TextStyle;
  /** Hands a key to the dashboard. `lend` gives the terminal back for as long as the promise lasts. */
  readonly onKey: (key: Key, lend: (use: () => Promise<void>) => Promise<void>) => void;
};

/** Draws the frame for a size of the terminal, and passes keys on. */
export function Screen({ draw, size, look, onKey }: Props): ReactElement | null {
  const { suspendTerminal } = useApp();
  useMouse();
  useInput((text, key) => {
    for (const each of parseKeys(text, key)) onKey(each, suspendTerminal);
  });
  // Pasted text is not keys: a `c` and a `y` in it must not cancel a run.
  usePaste((text) => onKey({ name: 'paste', text }, suspendTerminal));
  const frame = draw(size);
  return frame === null ? null : <View frame={frame} size={size} look={look} />;
}

/** Lets the terminal report the wheel as long as the screen is drawn. */
function useMouse(): void {
  const { stdout } = useStdout();
  useLayoutEffect(() => {
    stdout.write(mouseOn);
    return () => void stdout.write(mouseOff);
  }, [stdout]);
}

const named = {
  upArrow: 'up',
  downArrow: 'down',
  leftArrow: 'left',
  rightArrow: 'right',
  pageUp: 'pageup',
  pageDown: 'pagedown',
  home: 'home',
  end: 'end',
  return: 'enter',
  escape: 'escape',
  backspace: 'backspace',
  delete: 'delete',
} as const satisfies Partial<Record<keyof InkKey, Key['name']>>;

/** Splits input into keys. With fast typing or a slow line, several letters arrive at once. */
export function parseKeys(text: string, key: Pick<InkKey, 'ctrl' | 'shift' | 'tab'> & Partial<InkKey>): Key[] {
  if (key.tab) return [{ name: key.shift ? 'backtab' : 'tab' }];
  if (key.ctrl) return parseCtrl(text);
  for (const [name, meaning] of Object.entries(named)) if (key[name as keyof typeof named]) return [{ name: meaning }];
  return [...text].flatMap((char): Key[] => {
    if (char === '\r' || char === '\n') return [{ name: 'enter' }];
    if (char === '\t') return [{ name: 'tab' }];
    return char >= ' ' ? [{ name: 'text', text: char }] : parseCtrl(letterOf(char));
  });
}

function parseCtrl(letter: string): Key[] {
  if (letter === 'c') return [{ name: 'interrupt' }];
  if (letter === 'z') return [{ name: 'suspend' }];
  return /^[a-z]$/.test(letter) ? [{ name: 'ctrl', text: letter }] : [];
}

/** Returns the letter that gives a control character when it is pressed with Ctrl. */
const letterOf = (char: string): string => String.fromCharCode((char.codePointAt(0) ?? 0) + 0x60);
