/** Entry point of the keeper: `clip-keeper --home DIR --socket NAME`. */
import { parseArgs } from 'node:util';
import { closeInheritedDescriptors, dropInheritedMark } from '#launch/inherited-state.ts';
import { version } from '#launch/version.ts';
import { leaveRunGroup } from '#process/cgroup.ts';
import { Keeper } from './keeper.ts';

const { values } = parseArgs({ options: { home: { type: 'string' }, socket: { type: 'string' } } });
if (!values.home || !values.socket) {
  console.error('clip-keeper is started by the daemon. Usage: clip-keeper --home DIR --socket NAME');
  process.exit(2);
}
closeInheritedDescriptors(new Set());
// A keeper started inside a run must not end with that run.
leaveRunGroup();
dropInheritedMark();
// An error in one turn of the event loop must not orphan the running processes.
process.on('uncaughtException', (error) =>
  console.error(`${new Date().toISOString()} ${error.stack ?? error.message}`),
);
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM', 'SIGPIPE'] as const) process.on(signal, () => {});
// The keeper's files are private, whatever umask it inherited. Runs and a restarted daemon get the user's umask.
const umask = process.umask(0o077);
new Keeper({ home: values.home, socketName: values.socket, version, umask }).listen();
