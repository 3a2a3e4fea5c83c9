import type { Command } from 'commander';
import type { TaskView } from '#protocol/tasks.ts';
import { acknowledge } from '../client/acknowledge.ts';
import type { Register } from '../command.ts';
import { taskPath } from '../format/task.ts';

/** Adds `clip dismiss`. */
export function addDismiss(command: Command, register: Register): void {
  command.option('--json', 'as JSON').action((refs: string[], options: { json?: boolean }) =>
    register(options, async (context) => {
      const client = context.client();
      const dismissed: object[] = [];
      for (const ref of refs) {
        if (/^T\d+$/i.test(ref)) {
          const { task } = await client.call<{ task: TaskView }>('POST', `${taskPath(ref)}/dismiss`, {});
          dismissed.push({ task: task.number });
          if (!context.json) context.print(`T${task.number} is off the list of what needs you.`);
        } else {
          const { run } = await acknowledge(client, ref, 'dismissed');
          dismissed.push({ run: run.number });
          if (!context.json) context.print(`Run ${run.number} is off the list of what needs you.`);
        }
      }
      if (context.json) context.printJson({ schema: 1, dismissed });
      return 0;
    }),
  );
}
