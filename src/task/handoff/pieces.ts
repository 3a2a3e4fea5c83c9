/** What a section is made of, the most important first: what does not fit is cut or left out, and the section says so. */
import { cut, cutMark, fenced, quotation } from './quoted.ts';

export type Piece =
  /** A line of clip's own, most often of a list. */
  | { readonly kind: 'line'; readonly text: string }
  /** Words of an agent: within a fence, at most so many characters with it. */
  | { readonly kind: 'agent'; readonly label: string; readonly text: string; readonly most: number }
  /** Words of a person; no fence, for they are meant. */
  | { readonly kind: 'person'; readonly label: string | null; readonly text: string; readonly most: number };

export function line(text: string): Piece {
  return { kind: 'line', text };
}

/** A line of which less is left would say nothing. */
const lineMin = 40;

/** Never longer than `room`, and no fence is left open. */
export function compose(pieces: readonly Piece[], room: number): string {
  let result = '';
  let before: Piece['kind'] | null = null;
  for (const [index, piece] of pieces.entries()) {
    const gap = before === null ? '' : before === 'line' && piece.kind === 'line' ? '\n' : '\n\n';
    const last = index === pieces.length - 1;
    // Room for saying that something is missing, as long as something may still be.
    const left = room - result.length - gap.length - (last ? 0 : cutMark.length + 2);
    const shown = show(piece, left);
    if (shown === '') return `${result}${room - result.length > cutMark.length + 2 ? `\n\n${cutMark}` : ''}`.trimStart();
    result += gap + shown;
    before = piece.kind;
  }
  return result;
}

function show(piece: Piece, left: number): string {
  if (piece.kind === 'line') return piece.text.length <= left ? piece.text : left < lineMin ? '' : cut(piece.text, left);
  const label = piece.label === null ? '' : `${piece.label}\n`;
  const room = Math.min(piece.most, left) - label.length;
  const words = piece.kind === 'agent' ? fenced(piece.text, room) : quotation(piece.text, room);
  return words === '' ? '' : label + words;
}
