/** Entry of the keeper program: `clip-keeper --home DIR --socket NAME`. */
import { parseArgs } from 'node:util';
import { version } from '../launch/version.ts';
import { runKeeper } from './keeper.ts';

const { values } = parseArgs({ options: { home: { type: 'string' }, socket: { type: 'string' } } });
if (!values.home || !values.socket) {
  console.error('clip-keeper is started by the daemon. Usage: clip-keeper --home DIR --socket NAME');
  process.exit(2);
}
// Whatever goes wrong in one turn, the processes it is the parent of must keep their parent.
process.on('uncaughtException', (error) => console.error(`${new Date().toISOString()} ${error.stack ?? error.message}`));
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM', 'SIGPIPE'] as const) process.on(signal, () => {});
// Whatever the umask of whoever started us: our files are ours alone. Runs, and a daemon started again, get the user's.
const umask = process.umask(0o077);
runKeeper({ home: values.home, socketName: values.socket, version, umask });
