/** Builds the command that shows a desktop notification. No part of the text is interpreted as code or markup. */

/** Returns the program and its arguments; null on other platforms. */
export function notifyCommand(
  platform: NodeJS.Platform,
  { title, body }: { title: string; body: string },
): readonly string[] | null {
  if (platform === 'linux') return ['notify-send', '--app-name=clip', '--', title, plainBody(body)];
  if (platform !== 'darwin') return null;
  const script = ['on run argv', 'display notification (item 2 of argv) with title (item 1 of argv)', 'end run'];
  return ['osascript', ...script.flatMap((line) => ['-e', line]), title, body];
}

/** Escapes a body: notify-send interprets backslash escapes, and the desktop interprets markup. */
function plainBody(body: string): string {
  return body.replaceAll('\\', '\\\\').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
