import { readlinkSync } from 'node:fs';

/**
 * Returns the time zone of the machine, regardless of the TZ of this process. A process without a TZ uses it. UTC if
 * the system does not tell.
 */
export function systemTimeZone(): string {
  try {
    return /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(readlinkSync('/etc/localtime'))?.[1] ?? 'UTC';
  } catch {
    return process.env['TZ'] === undefined ? Intl.DateTimeFormat().resolvedOptions().timeZone : 'UTC';
  }
}
