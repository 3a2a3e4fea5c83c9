import type { Command } from 'commander';
import type { Register } from '../command.ts';
import { plural } from '../format/format.ts';

type QueueAnswer = { readonly held: boolean; readonly queued: number; readonly stopped: readonly number[] };

/** Adds `clip pause`. */
export function addPause(command: Command, register: Register): void {
  command
    .option(
      '--now',
      'also stop the agents that run; clip resume continues tasks, and single runs are listed under "needs you"',
    )
    .option('--json', 'as JSON')
    .action((options: { now?: boolean; json?: boolean }) =>
      register(options, async (context) => {
        const body = { held: true, stopAgents: options.now ?? false };
        const answer = await context.client().call<QueueAnswer>('PUT', '/v1/queue', body);
        if (context.json) context.printJson(answer);
        else {
          const stopped = answer.stopped.length === 0 ? '' : `, ${plural(answer.stopped.length, 'agent')} stopped`;
          context.print(`Paused: no run and no timer starts; ${answer.queued} queued${stopped}. Go on: clip resume`);
        }
        return 0;
      }),
    );
}

/** Adds `clip resume`. */
export function addResume(command: Command, register: Register): void {
  command.option('--json', 'as JSON').action((options: { json?: boolean }) =>
    register(options, async (context) => {
      const answer = await context.client().call<QueueAnswer>('PUT', '/v1/queue', { held: false });
      if (context.json) context.printJson(answer);
      else context.print(`Resumed; ${plural(answer.queued, 'run')} queued.`);
      return 0;
    }),
  );
}
