/** Rings are remembered until somebody waits. */
export function createBell() {
  let rang = false;
  let wake: (() => void) | null = null;
  return {
    ring(): void {
      rang = true;
      wake?.();
    },
    /** Resolves with the next ring, or one that has been; or when the time is over. */
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
