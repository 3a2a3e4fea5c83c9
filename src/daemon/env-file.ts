/** The file of variables that a person keeps for an agent: KEY=VALUE lines, read at each run. */
import { parseEnv } from 'node:util';
import { readRegularFile } from '../process/regular-file.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';

type Environment = Readonly<Record<string, string>>;

/** Throws when it cannot be read, is no file, or has a line that is not meant so. */
export function readEnvFile(path: string, agent: string): Environment {
  try {
    return parseEnvFile(readRegularFile(path, limits.agentFileBytesMax).toString('utf8'));
  } catch (error) {
    throw new ClipError(
      'refused',
      `The env file ${path} of agent ${agent} cannot be read: ${(error as Error).message}.`,
      'Mend it, or name another: clip agent edit',
    );
  }
}

/** Throws for a line that would be passed over in silence, without a word of what stands in it. */
export function parseEnvFile(text: string): Environment {
  const bad = badLineOf(text);
  if (bad !== null) throw new Error(`line ${bad} is not KEY=VALUE`);
  return parseEnv(text) as Environment;
}

/** The first line that would be passed over in silence; null when all is well. Values in quotes may go over several lines. */
function badLineOf(text: string): number | null {
  if (text.includes('\0')) return text.slice(0, text.indexOf('\0')).split('\n').length;
  const several = /=\s*(["'`])(?:(?!\1).)*\n/.test(text);
  const at = several ? -1 : text.split('\n').findIndex((line) => !/^\s*(#|$|(export\s+)?[A-Za-z_][\w.-]*\s*=)/.test(line));
  return at < 0 ? null : at + 1;
}
