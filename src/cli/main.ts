/** Entry point of `clip`, and the only place that ends the process. */
import { basename } from 'node:path';
import { isatty } from 'node:tty';
import { findForeignFiles, locateHome, validateHome } from '#config/home.ts';
import { version } from '#launch/version.ts';
import { complete } from './completion/answer.ts';
import { fastPath, runFast } from './fast-path.ts';

const args = process.argv.slice(2);
const home = locateHome(process.env);
/** The socket of the user's own daemon only. */
const socket =
  validateHome(home) !== null || findForeignFiles(home, [basename(home.socket)]) !== null ? null : home.socket;
// A raw response is suitable for a program, but not for a terminal.
const path = isatty(1) || socket === null ? null : fastPath(args);
if (args[0] === 'completions' && args[1] === '--complete') complete(args.slice(2), socket, () => process.exit(0));
else if (path === null || socket === null) whole();
else runFast(socket, path, version, () => process.exit(0), whole);

function whole(): void {
  import('./program.ts').then(({ runProgram }) => runProgram(args)).then((code) => process.exit(code));
}
