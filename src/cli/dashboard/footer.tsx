/** The last lines of the screen: a question, an open input, or the keys. */
import { Box, Text } from 'ink';
import type { ReactElement } from 'react';
import { type Colour, paint, type TextStyle } from '../terminal/style.ts';
import type { Foot } from './views/foot.ts';

type Props<K extends Foot['kind']> = {
  readonly foot: Extract<Foot, { readonly kind: K }>;
  readonly look: TextStyle;
};

/** Draws the foot. */
export function Footer({ foot, look }: { readonly foot: Foot; readonly look: TextStyle }): ReactElement {
  switch (foot.kind) {
    case 'question':
      return <Painted text={foot.text} colour="yellow" look={look} />;
    case 'form':
      return <Form foot={foot} look={look} />;
    case 'keys':
      return <Keys foot={foot} look={look} />;
  }
}

type PaintedProps = { readonly text: string; readonly colour: Colour | null; readonly look: TextStyle };

function Painted({ text, colour, look }: PaintedProps): ReactElement {
  return <Text wrap="truncate">{colour === null ? text : paint(text, colour, look)}</Text>;
}

function Keys({ foot: { place, keys, always }, look }: Props<'keys'>): ReactElement {
  return (
    <Box columnGap={2} flexShrink={0}>
      {place === '' ? null : <Painted text={place} colour={null} look={look} />}
      {keys === '' ? null : <Painted text={keys} colour="gray" look={look} />}
      <Box flexShrink={0}>
        <Painted text={always} colour="gray" look={look} />
      </Box>
    </Box>
  );
}

function Form({ foot, look }: Props<'form'>): ReactElement {
  const { label, before, after, hint, tall } = foot;
  const input = `${paint(label, 'bold', look)}${before}▏${after}`;
  if (!tall)
    return (
      <Box columnGap={2} flexShrink={0}>
        <Text wrap="truncate">{input}</Text>
        <Painted text={hint} colour="gray" look={look} />
      </Box>
    );
  return (
    <Box flexDirection="column" flexShrink={0}>
      <Text wrap="truncate">{input}</Text>
      <Choices foot={foot} look={look} />
    </Box>
  );
}

function Choices({ foot: { choices, hint }, look }: Props<'form'>): ReactElement {
  return (
    <Box columnGap={2}>
      {choices.map(({ label, picked }) => (
        <Box key={label} flexShrink={0}>
          <Painted text={`${picked ? '▸ ' : '  '}${label}`} colour={picked ? 'bold' : null} look={look} />
        </Box>
      ))}
      <Painted text={hint} colour="gray" look={look} />
    </Box>
  );
}
