import { isEnded, type Run } from './run.ts';

/** Returns a sentence such as `Run 42 has already ended (exited 0, 2 min ago).` */
export function endedSentence(run: Run, at: number): string {
  if (!isEnded(run.state)) return `Run ${run.number} is ${run.state.status}.`;
  const { outcome, endedAt } = run.state;
  const how = {
    exited: () => `exited ${outcome.kind === 'exited' ? outcome.code : ''}`,
    killed: () => `killed by ${outcome.kind === 'killed' ? outcome.signal : ''}`,
    not_started: () => 'never started',
    lost: () => 'lost',
  }[outcome.kind]();
  return `Run ${run.number} has already ended (${how}, ${formatAgo(at - endedAt)} ago).`;
}

function formatAgo(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
