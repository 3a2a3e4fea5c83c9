/** The text of prompts. Prompts never enter the database. */
import type { Run } from './run.ts';
import { isEnded } from './run.ts';

/** Replaces {{dotted.names}}. An unknown name becomes the empty string. Spaces inside the braces are ignored. */
export function renderTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{\{\s*([\w.-]+)\s*\}\}/g, (_, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '') : '',
  );
}

/** Returns the prompt for a resumed session. The agent remembers what it did, but not how the session ended. */
export function resumePrompt(request: string, before: Run): string {
  return [
    `${howItStopped(before)} This is the same session, in the same folder.`,
    'A tool call that was under way then may or may not have taken effect: look at the present state first, ' +
      'then go on from there. Do not redo what is already done.',
    'What was asked:',
    request,
  ].join('\n\n');
}

/** Returns the prompt for further words to an agent that has no session and remembers nothing. */
export function followUpPrompt(words: string, before: string): string {
  return `${words}\n\nThis follows an earlier run in the same folder, which was asked:\n\n${before}`;
}

function howItStopped({ state }: Run): string {
  if (!isEnded(state)) return 'The run before this one was interrupted.';
  switch (state.stopReason) {
    case 'completed':
      return 'The run before this one had ended by itself, and the work is to be gone on with.';
    case 'process_lost':
      return 'The run before this one stopped in the middle: its process was lost.';
    case 'timeout':
    case 'silence':
      return 'The run before this one stopped in the middle: it ran into a time limit.';
    case 'cancelled':
      return 'The run before this one was cancelled.';
    default:
      return `The run before this one stopped before the work was done: ${state.errorCode ?? state.stopReason}.`;
  }
}
