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
runKeeper({ home: values.home, socketName: values.socket, version });
