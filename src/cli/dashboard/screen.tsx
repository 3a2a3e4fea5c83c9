/** The screen that Ink draws: lines in, keys out. */
import { Box, type Key as InkKey, Text, useApp, useInput, usePaste, useWindowSize } from 'ink';
import type { ReactElement } from 'react';
import type { Size } from './dashboard-model.ts';
import type { Key } from './state.ts';

type Props = {
  readonly draw: (size: Size) => readonly string[];
  /** Hands a key to the dashboard. `lend` gives the terminal back for as long as the promise lasts. */
  readonly onKey: (key: Key, lend: (use: () => Promise<void>) => Promise<void>) => void;
};

/** Draws the lines for the current size of the terminal, and passes keys on. */
export function Screen({ draw, onKey }: Props): ReactElement {
  const size = useWindowSize();
  const { suspendTerminal } = useApp();
  useInput((text, key) => {
    for (const each of parseKeys(text, key)) onKey(each, suspendTerminal);
  });
  // Pasted text is not keys: a `c` and a `y` in it must not cancel a run.
  usePaste((text) => onKey({ name: 'paste', text }, suspendTerminal));
  return (
    <Box flexDirection="column" width={size.columns} height={size.rows}>
      {draw(size).map((line, index) => (
        <Text key={index} wrap="truncate">
          {line === '' ? ' ' : line}
        </Text>
      ))}
    </Box>
  );
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
  delete: 'backspace',
} as const satisfies Partial<Record<keyof InkKey, Key['name']>>;

/** Splits input into keys. With fast typing or a slow line, several letters arrive at once. */
function parseKeys(text: string, key: InkKey): Key[] {
  if (key.ctrl) return text === 'c' ? [{ name: 'interrupt' }] : text === 'z' ? [{ name: 'suspend' }] : [];
  for (const [name, meaning] of Object.entries(named)) if (key[name as keyof typeof named]) return [{ name: meaning }];
  return [...text].flatMap((char): Key[] => {
    if (char === '\r' || char === '\n') return [{ name: 'enter' }];
    return char >= ' ' ? [{ name: 'text', text: char }] : [];
  });
}
