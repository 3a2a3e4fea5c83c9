/** Entry of the `clip` program, and the only place that ends it. */
import { locateHome } from '../config/home.ts';
import { version } from '../launch/version.ts';
import { fastPath, runFast } from './fast.ts';

const args = process.argv.slice(2);
const path = fastPath(args);
if (path === null) whole();
else runFast(locateHome(process.env).socket, path, version, () => process.exit(0), whole);

function whole(): void {
  import('./program.ts').then(({ runProgram }) => runProgram(args)).then((code) => process.exit(code));
}
