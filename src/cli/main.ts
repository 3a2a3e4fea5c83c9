/** Entry point of `clip`, and the only place that ends the process. */
import { basename } from 'node:path';
import { findForeignFiles, locateHome, validateHome } from '#config/home.ts';
import { version } from '#launch/version.ts';
import { fastPath, runFast } from './fast-path.ts';

main(process.argv.slice(2)).then((code) => process.exit(code));

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'completions' && args[1] === '--complete') {
    const { complete } = await import('./completion/answer.ts');
    await complete(args.slice(2), findOwnSocket());
    return 0;
  }
  const path = fastPath(args);
  const socket = path === null ? null : findOwnSocket();
  if (path !== null && socket !== null && (await runFast(socket, path, version))) return 0;
  const { runProgram } = await import('./program.ts');
  return runProgram(args);
}

/** Returns the socket of the user's own daemon, or null when another user could listen there. */
function findOwnSocket(): string | null {
  const home = locateHome(process.env);
  const trouble = validateHome(home) ?? findForeignFiles(home, [basename(home.socket)]);
  return trouble === null ? home.socket : null;
}
