/** Chance that can be repeated: the same seed gives the same draws, on every machine. */
import { createHash } from 'node:crypto';

export type Chance = ReturnType<typeof createChance>;

export function createChance(seed: string) {
  const hash = createHash('sha256').update(seed).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => hash.readUInt32LE(at)) as [number, number, number, number];

  /** At least 0, less than 1: the generator sfc32. */
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
    /** A whole number, both ends included. */
    whole,
    /** True as often as this, of 1. */
    happens: (probability: number): boolean => fraction() < probability,
    oneOf: <T>(list: readonly T[]): T => list[whole(0, list.length - 1)] as T,
    /** One of these names, each as often as its weight says. */
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

/** One of these by a fraction that was drawn earlier, when it was not known yet how many there would be. */
export function pickBy<T>(list: readonly T[], fraction: number): T | null {
  return list[Math.floor(fraction * list.length)] ?? null;
}
