import type { Command } from 'commander';
import type { PruneAnswer } from '#protocol/answers.ts';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import { plural } from '../format/format.ts';
import { count, duration } from './options.ts';

type Options = { olderThan?: number; keep?: number; dryRun?: boolean; json?: boolean };

const shown = 20;

/** Adds `clip prune`. */
export function addPrune(command: Command, register: Register): void {
  command
    .option('--older-than <duration>', 'those that ended so long ago, like 30d', duration('--older-than'))
    .option('--keep <n>', 'all but the newest so many', count)
    .option('--dry-run', 'only say which')
    .option('--json', 'as JSON')
    .action((options: Options) =>
      register(options, async (context) => {
        if (options.olderThan === undefined && options.keep === undefined)
          throw new ClipError(
            'usage',
            'Say what to delete: --older-than DURATION, --keep N, or both.',
            'clip prune --older-than 30d --dry-run shows what would go.',
          );
        const body = {
          olderThanMs: options.olderThan ?? null,
          keep: options.keep ?? null,
          dryRun: options.dryRun ?? false,
        };
        const answer = await context.client().call<PruneAnswer>('POST', '/v1/prune', body, true);
        if (context.json) context.printJson(answer);
        else context.print(sentence(answer));
        return 0;
      }),
    );
}

/** Formats `3 runs would be deleted: 1, 2, 4.` */
function sentence({ dryRun, removed, runs }: PruneAnswer): string {
  if (removed === 0) return 'No ended run fits: nothing is deleted.';
  const list = `${runs.slice(0, shown).join(', ')}${removed > shown ? ` and ${removed - shown} more` : ''}`;
  if (dryRun) return `${plural(removed, 'run')} would be deleted: ${list}.`;
  return `${plural(removed, 'run was', 'runs were')} deleted: ${list}.`;
}
