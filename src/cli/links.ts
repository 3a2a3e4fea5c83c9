/**
 * Links on a terminal (OSC 8). A link is made here and nowhere else: it carries a number that nobody outside
 * of this process can know, and the last door before the terminal lets only such links through.
 */
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';

/** One for the whole process: parts of the program that are loaded when needed are bundles of their own. */
const shared = globalThis as { clipLinkSecret?: string };
shared.clipLinkSecret ??= randomBytes(16).toString('hex');
const secret = shared.clipLinkSecret;
const begin = `\u001b]8;id=${secret};`;
const middle = '\u001b\\';
const end = `\u001b]8;;${middle}`;
/** Longer addresses are not for clicking. */
const addressMax = 2_048;

/** This text, to be clicked where the terminal knows how; `target`: an address, or an absolute path. */
export function link(text: string, target: string, look: { readonly links?: boolean }): string {
  const address = look.links ? addressOf(target) : null;
  return address === null ? text : `${begin}${address}${middle}${text}${end}`;
}

/** Null for what a terminal should not open: only the web and files; nothing but visible ASCII, so that it cannot end the sequence. */
function addressOf(target: string): string | null {
  const address = target.startsWith('/') ? pathToFileURL(target).href : target;
  return /^(https?|file):\/\/[!-~]+$/.test(address) && address.length <= addressMax ? address : null;
}

/** What stands outside of links, and in them, goes through `clean`; the links themselves stay, without the number. */
export function keepLinks(text: string, clean: (text: string) => string): string {
  const [first = '', ...others] = text.split(begin);
  const kept = others.map((part) => {
    const [address, shown, rest] = parts(part);
    return address === null ? clean(rest) : `\u001b]8;;${address}${middle}${clean(shown)}${end}${clean(rest)}`;
  });
  return clean(first) + kept.join('');
}

function parts(text: string): readonly [address: string | null, shown: string, rest: string] {
  const [at, over] = [text.indexOf(middle), text.indexOf(end)];
  const address = text.slice(0, Math.max(0, at));
  if (at < 0 || over < at || addressOf(address) !== address) return [null, '', text];
  return [address, text.slice(at + middle.length, over), text.slice(over + end.length)];
}

/** Terminals that are known to show links; inside of a multiplexer nobody knows. FORCE_HYPERLINK decides for itself. */
export function knowsLinks(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  const { FORCE_HYPERLINK: forced, TERM: term = '', TERM_PROGRAM: program = '' } = env;
  if (forced !== undefined && forced !== '') return isTerminal && forced !== '0';
  // Over there, a path of this machine leads nowhere.
  if (!isTerminal || term === 'dumb' || env['SSH_CONNECTION'] || env['TMUX'] || env['STY'] || /^(screen|tmux)/.test(term)) return false;
  if (['iTerm.app', 'WezTerm', 'vscode', 'ghostty', 'Hyper', 'rio', 'zed'].includes(program)) return true;
  if (/^(xterm-kitty|xterm-ghostty|alacritty|foot|contour)/.test(term) || env['KITTY_WINDOW_ID'] || env['WT_SESSION'] || env['DOMTERM']) return true;
  return Number(env['VTE_VERSION'] ?? 0) >= 5_000 || Number(env['KONSOLE_VERSION'] ?? 0) >= 201_200;
}
