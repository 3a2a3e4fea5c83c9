/** The capabilities of this process that decide which nice values and limits its children can have. */
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { readResourceLimits } from './resource-limits.ts';
import type { KeeperTraits } from './submitter.ts';

/** Bits of CapEff in /proc/<pid>/status (capabilities(7)). */
const bits = { lowerNice: 23n, raiseLimits: 24n } as const;
export type Capability = keyof typeof bits;

/** Returns the capabilities that are in effect; none where the system does not tell them. */
export function readCapabilities(): ReadonlySet<Capability> {
  try {
    const digits = /^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
    const mask = BigInt(`0x${digits}`);
    return new Set((Object.keys(bits) as Capability[]).filter((name) => (mask >> bits[name]) & 1n));
  } catch {
    return new Set();
  }
}

/** Returns the traits that this process can give to runs as a keeper, or that a keeper inherits from it. */
export function readKeeperTraits(): KeeperTraits {
  const may = readCapabilities();
  const mayRaise = may.has('lowerNice') && may.has('raiseLimits');
  return { nice: getPriority(), mayRaise, limits: readResourceLimits('self') };
}
