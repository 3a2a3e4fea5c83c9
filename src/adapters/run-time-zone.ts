/** The time zone and the language of a run's environment. CLIs print times in both. */

type Environment = Readonly<Record<string, string>>;

/**
 * Returns the zone of TZ in a form that Intl accepts. Returns the machine's zone when TZ names none or an unknown one.
 */
export function timeZoneIn(environment: Environment, ofMachine: string): string {
  const named = (environment['TZ'] ?? '').replace(/^:/, '').replace(/^.*\/zoneinfo\/(posix\/|right\/)?/, '');
  if (named === '') return ofMachine;
  if (isZone(named)) return named;
  // In POSIX notation, west of Greenwich is positive, as in the names of Etc. Its daylight saving rules are ignored.
  const [, hours] = /^(?:[A-Za-z]{3,}|<[-+\w]+>)([-+]?\d{1,2})(?::?00)?(?:[A-Za-z<,].*)?$/.exec(named) ?? [];
  const offset = hours === undefined ? null : `Etc/GMT${Number(hours) < 0 ? '-' : '+'}${Math.abs(Number(hours))}`;
  return offset !== null && isZone(offset) ? offset : ofMachine;
}

/** Returns the language in which dates are written, such as `de-DE`. The default is American English. */
export function localeIn(environment: Environment): string {
  const named = environment['LC_ALL'] || environment['LC_TIME'] || environment['LANG'] || '';
  const tag = /^([a-z]{2,3})(?:_([A-Z]{2}))?(?:[.@].*)?$/.exec(named);
  return tag === null ? 'en-US' : [tag[1], tag[2]].filter((part) => part !== undefined).join('-');
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}
