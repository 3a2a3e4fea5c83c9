/** A signal that remembers a ring until the next wait. */
export function createSignal() {
  let rang = false;
  let wake: (() => void) | null = null;
  return {
    ring(): void {
      rang = true;
      wake?.();
    },
    /** Resolves at the next ring, at once if it has already rung, or after `atMostMs`. */
    async rung(atMostMs: number): Promise<void> {
      if (!rang) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, atMostMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = null;
      rang = false;
    },
  };
}
