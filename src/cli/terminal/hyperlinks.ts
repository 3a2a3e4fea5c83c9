/**
 * Links on a terminal (OSC 8). Each link carries a number that is unknown outside of this process, and the last filter
 * before the terminal passes only such links.
 */
import { pathToFileURL } from 'node:url';

/** Some programs of clip are bundles of their own within one process, so they share the number through a global. */
const shared = globalThis as { clipLinkSecret?: string };

/** Returns how a link of this process begins. The number is made when the first link is. */
function beginning(): string {
  shared.clipLinkSecret ??= crypto.randomUUID();
  return `\u001b]8;id=${shared.clipLinkSecret};`;
}

const middle = '\u001b\\';
const end = `\u001b]8;;${middle}`;
/** Longer addresses are not linked. */
const addressMax = 2_048;

/** Returns the text as a link, where the terminal supports it. `target`: an address, or an absolute path. */
export function link(text: string, target: string, look: { readonly links?: boolean }): string {
  const address = look.links ? buildAddress(target) : null;
  return address === null ? text : `${beginning()}${address}${middle}${text}${end}`;
}

/**
 * Returns the address, or null when a terminal should not open it. Only the web and files are allowed, in visible
 * ASCII, so that the address cannot end the escape sequence.
 */
function buildAddress(target: string): string | null {
  const address = target.startsWith('/') ? pathToFileURL(target).href : target;
  return /^(https?|file):\/\/[!-~]+$/.test(address) && address.length <= addressMax ? address : null;
}

/** Passes text outside and inside of links through `clean`. The links stay, without their number. */
export function keepLinks(text: string, clean: (text: string) => string): string {
  if (shared.clipLinkSecret === undefined) return clean(text);
  const [first = '', ...others] = text.split(beginning());
  const kept = others.map((part) => {
    const [address, shown, rest] = parts(part);
    return address === null ? clean(rest) : `\u001b]8;;${address}${middle}${clean(shown)}${end}${clean(rest)}`;
  });
  return clean(first) + kept.join('');
}

function parts(text: string): readonly [address: string | null, shown: string, rest: string] {
  const [at, over] = [text.indexOf(middle), text.indexOf(end)];
  const address = text.slice(0, Math.max(0, at));
  if (at < 0 || over < at || buildAddress(address) !== address) return [null, '', text];
  return [address, text.slice(at + middle.length, over), text.slice(over + end.length)];
}

/**
 * Returns whether the terminal is known to show links. Inside a multiplexer this is unknown. FORCE_HYPERLINK overrides
 * the result.
 */
export function knowsLinks(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  const { FORCE_HYPERLINK: forced, TERM: term = '', TERM_PROGRAM: program = '' } = env;
  if (forced !== undefined && forced !== '') return isTerminal && forced !== '0';
  // On the other side of SSH, a local path leads nowhere.
  if (
    !isTerminal ||
    term === 'dumb' ||
    env['SSH_CONNECTION'] ||
    env['TMUX'] ||
    env['STY'] ||
    /^(screen|tmux)/.test(term)
  )
    return false;
  if (['iTerm.app', 'WezTerm', 'vscode', 'ghostty', 'Hyper', 'rio', 'zed'].includes(program)) return true;
  if (
    /^(xterm-kitty|xterm-ghostty|alacritty|foot|contour)/.test(term) ||
    env['KITTY_WINDOW_ID'] ||
    env['WT_SESSION'] ||
    env['DOMTERM']
  )
    return true;
  return Number(env['VTE_VERSION'] ?? 0) >= 5_000 || Number(env['KONSOLE_VERSION'] ?? 0) >= 201_200;
}
