/** Durations and sizes as people write them. */
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses `90s`, `30m`, `2h`, `7d`, `1h30m`, or `0` for none, to milliseconds. Throws a usage error. */
export function parseDuration(text: string, what: string): number {
  if (text === '0') return 0;
  const whole = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text);
  const parts = whole ? [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)] : [];
  if (parts.length === 0)
    throw new ClipError('usage', `${what}: "${text}" is not a duration.`, 'Write it like 90s, 30m, 2h or 7d.');
  const sum = parts.reduce(
    (before, [, number, unit]) => before + Number(number) * (unitMs[unit ?? ''] ?? Number.NaN),
    0,
  );
  // 0 means no limit, so a positive duration is never rounded down to it.
  const total = sum > 0 ? Math.max(1, Math.round(sum)) : 0;
  if (total > limits.durationMsMax)
    throw new ClipError('usage', `${what}: ${text} is longer than 365 days.`, 'Leave it out for no limit.');
  return total;
}

const unitBytes: Readonly<Record<string, number>> = { '': 1, B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Parses `500M`, `10G`, `4096` to bytes. Units are powers of 1024. Throws a usage error. */
export function parseSize(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:([KMGT])(?:i?B)?|B)?$/i.exec(text);
  const bytes = match
    ? Math.round(Number(match[1]) * (unitBytes[(match[2] ?? '').toUpperCase()] ?? Number.NaN))
    : Number.NaN;
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new ClipError('usage', `${what}: "${text}" is not a size.`, 'Write it like 500M or 10G.');
  return bytes;
}
