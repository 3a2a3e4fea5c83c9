/**
 * Returns the number of made-up inputs of a test: a quarter in `npm test`, all of them in `npm run test:deep`.
 */
export function fuzzRuns(all: number): number {
  return process.env['CLIP_DEEP'] === '1' ? all : Math.ceil(all / 4);
}
