/**
 * The wheel of the mouse. The terminal reports it in the input (mode 1000 with the encoding 1006), and only while the
 * dashboard has the terminal.
 */
import { Readable } from 'node:stream';

/** Switches the reports on. */
export const mouseOn = '\u001b[?1000h\u001b[?1006h';
/** Switches the reports off. */
export const mouseOff = '\u001b[?1006l\u001b[?1000l';

/** A report: button, column, row, and whether it was pressed or released. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the reports of a terminal begin with a control character
const report = /\u001b\[<(\d+);\d+;\d+[Mm]/g;
/** A report of which the rest has not come yet. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the reports of a terminal begin with a control character
const begunReport = /\u001b\[<[\d;]{0,30}$/;

/** Splits input into turns of the wheel and the rest. `pending`: a report that is not complete. */
export function takeWheel(input: string): { turns: ('wheelup' | 'wheeldown')[]; rest: string; pending: string } {
  const turns: ('wheelup' | 'wheeldown')[] = [];
  const without = input.replaceAll(report, (_, button: string) => {
    if (button === '64') turns.push('wheelup');
    if (button === '65') turns.push('wheeldown');
    return '';
  });
  const pending = begunReport.exec(without)?.[0] ?? '';
  return { turns, rest: without.slice(0, without.length - pending.length), pending };
}

/** The input of a terminal without the reports of the mouse. Ink drops them, so they are taken out before. */
export class WheelInput extends Readable {
  readonly isTTY = true;
  readonly #source: NodeJS.ReadStream;
  readonly #onTurn: (turn: 'wheelup' | 'wheeldown') => void;
  #pending = '';
  #reading = false;

  constructor(source: NodeJS.ReadStream, onTurn: (turn: 'wheelup' | 'wheeldown') => void) {
    super();
    this.#source = source;
    this.#onTurn = onTurn;
    source.setEncoding('utf8');
  }

  override _read(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#source.on('data', this.#take);
    this.#source.once('end', () => this.push(null));
  }

  readonly #take = (chunk: string | Buffer): void => {
    const { turns, rest, pending } = takeWheel(this.#pending + String(chunk));
    this.#pending = pending;
    for (const turn of turns) this.#onTurn(turn);
    if (rest !== '') this.push(rest);
  };

  setRawMode(mode: boolean): this {
    this.#source.setRawMode(mode);
    return this;
  }

  ref(): this {
    this.#source.ref();
    return this;
  }

  unref(): this {
    this.#source.unref();
    return this;
  }

  /** Stops reading the terminal. */
  close(): void {
    this.#source.off('data', this.#take);
    this.#source.pause();
  }
}
