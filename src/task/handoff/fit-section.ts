/** The pieces of a section, the most important first. What does not fit is cut or left out, and the section says so. */
import { cut, cutMark, fenced, quotation } from './quote.ts';

export type SectionPiece =
  /** A line of clip's own, usually of a list. */
  | { readonly kind: 'line'; readonly text: string }
  /** Text of an agent within a fence. `most`: its length with the fence. */
  | { readonly kind: 'agent'; readonly label: string; readonly text: string; readonly most: number }
  /** Text of a person. It has no fence, because it is meant as an instruction. */
  | { readonly kind: 'person'; readonly label: string | null; readonly text: string; readonly most: number };

/** Returns a line of clip's own as a piece of a section. */
export function line(text: string): SectionPiece {
  return { kind: 'line', text };
}

/** A line cut shorter than this would be meaningless. */
const lineMin = 40;

/** Joins the pieces to a text of at most `room` characters. No fence is left open. */
export function compose(pieces: readonly SectionPiece[], room: number): string {
  let result = '';
  let before: SectionPiece['kind'] | null = null;
  for (const [index, piece] of pieces.entries()) {
    const gap = before === null ? '' : before === 'line' && piece.kind === 'line' ? '\n' : '\n\n';
    const last = index === pieces.length - 1;
    // Space for the cut mark is kept free as long as a piece may still be missing.
    const left = room - result.length - gap.length - (last ? 0 : cutMark.length + 2);
    const shown = show(piece, left);
    if (shown === '')
      return `${result}${room - result.length > cutMark.length + 2 ? `\n\n${cutMark}` : ''}`.trimStart();
    result += gap + shown;
    before = piece.kind;
  }
  return result;
}

function show(piece: SectionPiece, left: number): string {
  if (piece.kind === 'line')
    return piece.text.length <= left ? piece.text : left < lineMin ? '' : cut(piece.text, left);
  const label = piece.label === null ? '' : `${piece.label}\n`;
  const room = Math.min(piece.most, left) - label.length;
  const words = piece.kind === 'agent' ? fenced(piece.text, room) : quotation(piece.text, room);
  return words === '' ? '' : label + words;
}
