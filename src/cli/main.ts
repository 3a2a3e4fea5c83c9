/** Entry of the `clip` program, and the only place that ends it. */
import { basename } from 'node:path';
import { isatty } from 'node:tty';
import { locateHome, strangersIn, troubleWithHome } from '../config/home.ts';
import { version } from '../launch/version.ts';
import { complete } from './completing.ts';
import { fastPath, runFast } from './fast.ts';

const args = process.argv.slice(2);
const home = locateHome(process.env);
/** Only our own daemon is believed. */
const socket = troubleWithHome(home) !== null || strangersIn(home, [basename(home.socket)]) !== null ? null : home.socket;
// Passed through as it comes, an answer is fit for a program, not for a terminal.
const path = isatty(1) || socket === null ? null : fastPath(args);
if (args[0] === 'completions' && args[1] === '--complete') complete(args.slice(2), socket, () => process.exit(0));
else if (path === null || socket === null) whole();
else runFast(socket, path, version, () => process.exit(0), whole);

function whole(): void {
  import('./program.ts').then(({ runProgram }) => runProgram(args)).then((code) => process.exit(code));
}
