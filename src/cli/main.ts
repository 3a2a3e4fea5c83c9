/** Entry of the `clip` program, and the only place that ends it. */
import { basename } from 'node:path';
import { isatty } from 'node:tty';
import { locateHome, strangersIn, troubleWithHome } from '../config/home.ts';
import { version } from '../launch/version.ts';
import { fastPath, runFast } from './fast.ts';

const args = process.argv.slice(2);
const home = locateHome(process.env);
// Passed through as it comes, an answer is fit for a program, not for a terminal; and only our own daemon is believed.
const path = isatty(1) || troubleWithHome(home) !== null || strangersIn(home, [basename(home.socket)]) !== null ? null : fastPath(args);
if (path === null) whole();
else runFast(home.socket, path, version, () => process.exit(0), whole);

function whole(): void {
  import('./program.ts').then(({ runProgram }) => runProgram(args)).then((code) => process.exit(code));
}
