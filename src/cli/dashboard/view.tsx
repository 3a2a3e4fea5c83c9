/** What the screen consists of. */
import { Box, Text } from 'ink';
import { memo, type ReactElement } from 'react';
import { paint, type TextStyle } from '../terminal/style.ts';
import type { Size } from './dashboard-model.ts';
import { Footer } from './footer.tsx';
import type { Frame } from './frame.ts';
import type { NoticeLine } from './views/foot.ts';
import type { Overlay } from './views/help.ts';

type Props = { readonly frame: Frame; readonly size: Size; readonly look: TextStyle };

/** The whole screen: the header, the page, what was said, and the foot. The help lies over the page. */
export function View({ frame, size, look }: Props): ReactElement {
  const { head, body, notices, foot, overlay } = frame;
  return (
    <Box flexDirection="column" width={size.columns} height={size.rows}>
      <Lines lines={head} />
      <Lines lines={body} />
      <Notices lines={notices} look={look} />
      <Footer foot={foot} look={look} />
      {overlay === null ? null : <Help overlay={overlay} size={size} look={look} />}
    </Box>
  );
}

function Lines({ lines }: { readonly lines: readonly string[] }): ReactElement {
  return (
    <>
      {lines.map((line, index) => (
        <Line key={index} text={line} />
      ))}
    </>
  );
}

/** A line of the screen. One that did not change is not drawn again. */
const Line = memo(({ text }: { readonly text: string }) => <Text wrap="truncate">{text === '' ? ' ' : text}</Text>);

const colours = { result: 'cyan', error: 'red' } as const;

function Notices({
  lines,
  look,
}: {
  readonly lines: readonly NoticeLine[];
  readonly look: TextStyle;
}): ReactElement | null {
  if (lines.length === 0) return null;
  return (
    <Box flexDirection="column" flexShrink={0}>
      {lines.map(({ kind, text }, index) => (
        <Line key={index} text={paint(text, colours[kind], look)} />
      ))}
    </Box>
  );
}

function Help({
  overlay,
  size,
  look,
}: {
  readonly overlay: Overlay;
  readonly size: Size;
  readonly look: TextStyle;
}): ReactElement {
  const left = Math.max(0, Math.floor((size.columns - overlay.width) / 2));
  const top = Math.max(0, Math.floor((size.rows - 1 - overlay.lines.length - 2) / 2));
  return (
    <Box
      position="absolute"
      marginLeft={left}
      marginTop={top}
      width={overlay.width}
      flexDirection="column"
      borderStyle="round"
      {...(look.colour ? { borderColor: 'gray' } : {})}
    >
      <Lines lines={overlay.lines} />
    </Box>
  );
}
