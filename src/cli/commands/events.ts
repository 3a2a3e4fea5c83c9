import type { Command } from 'commander';
import type { Register } from '../command.ts';
import { count } from './options.ts';

/** Adds `clip events`. */
export function addEvents(command: Command, register: Register): void {
  command
    .option('-f, --follow', 'go on as things happen')
    .option('--since <seq>', 'only after this sequence number', count, 0)
    .action((options: { follow?: boolean; since: number }) =>
      register({}, async (context) => {
        const client = context.client();
        let seen = false;
        let cursor = Math.max(0, options.since);
        const path = () => `/v1/events?since=${cursor}&follow=${options.follow ? 'true' : 'false'}`;
        for await (const line of options.follow ? client.following(path) : client.lines('GET', path())) {
          if (typeof line['seq'] === 'number') cursor = line['seq'];
          context.printJson(line);
          seen = true;
        }
        if (!seen)
          context.notice(
            options.since > 0
              ? `Nothing has happened after ${options.since}.`
              : 'Nothing has happened yet. Start a run: clip run -- COMMAND',
          );
        return 0;
      }),
    );
}
