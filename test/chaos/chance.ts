/** Reproducible random numbers: the same seed gives the same sequence on every machine. */
import { createHash } from 'node:crypto';

export type Chance = ReturnType<typeof createChance>;

export function createChance(seed: string) {
  const hash = createHash('sha256').update(seed).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => hash.readUInt32LE(at)) as [number, number, number, number];

  /** Returns a number that is at least 0 and less than 1, by the generator sfc32. */
  function fraction(): number {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 2 ** 32;
  }

  const whole = (least: number, most: number): number => least + Math.floor(fraction() * (most - least + 1));

  return {
    fraction,
    /** Returns a whole number, both bounds included. */
    whole,
    /** Returns true with this probability. */
    happens: (probability: number): boolean => fraction() < probability,
    oneOf: <T>(list: readonly T[]): T => list[whole(0, list.length - 1)] as T,
    /** Returns one of these names, with a probability proportional to its weight. */
    weighed<K extends string>(weights: Readonly<Record<K, number>>): K {
      const entries = Object.entries<number>(weights) as [K, number][];
      let left = fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name;
      }
      return (entries.at(-1) as [K, number])[0];
    },
  };
}

/** Returns one item of a list, by a fraction that was drawn before the length of the list was known. */
export function pickBy<T>(list: readonly T[], fraction: number): T | null {
  return list[Math.floor(fraction * list.length)] ?? null;
}
