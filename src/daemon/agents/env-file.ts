/** Reads the env file of an agent: KEY=VALUE lines, read at each run. */
import { parseEnv } from 'node:util';
import { readRegularFile } from '#process/read-regular-file.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';

type Environment = Readonly<Record<string, string>>;

/** Returns the variables of an env file. Throws if it cannot be read, is not a regular file, or has a malformed line. */
export function readEnvFile(path: string, agent: string): Environment {
  try {
    return parseEnvFile(readRegularFile(path, limits.agentFileBytesMax).toString('utf8'));
  } catch (error) {
    throw new ClipError(
      'refused',
      `The env file ${path} of agent ${agent} cannot be read: ${(error as Error).message}.`,
      'Fix it, or name another: clip agent edit',
    );
  }
}

/** Parses an env file. Throws for a line that would be ignored. The message does not quote it. */
export function parseEnvFile(text: string): Environment {
  const bad = findBadLine(text);
  if (bad !== null) throw new Error(`line ${bad} is not KEY=VALUE`);
  return parseEnv(text) as Environment;
}

/** Returns the number of the first line that would be ignored, or null. Quoted values may span several lines. */
function findBadLine(text: string): number | null {
  if (text.includes('\0')) return text.slice(0, text.indexOf('\0')).split('\n').length;
  const several = /=\s*(["'`])(?:(?!\1).)*\n/.test(text);
  const at = several
    ? -1
    : text.split('\n').findIndex((line) => !/^\s*(#|$|(export\s+)?[A-Za-z_][\w.-]*\s*=)/.test(line));
  return at < 0 ? null : at + 1;
}
