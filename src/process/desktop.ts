/** How a notification is shown on this desktop: a program and its arguments, of which nothing is taken for code or markup. */

/** Null where nobody knows how. */
export function notifyCommand(platform: NodeJS.Platform, { title, body }: { title: string; body: string }): readonly string[] | null {
  if (platform === 'linux') return ['notify-send', '--app-name=clip', '--', title, plainBody(body)];
  if (platform !== 'darwin') return null;
  const script = ['on run argv', 'display notification (item 2 of argv) with title (item 1 of argv)', 'end run'];
  return ['osascript', ...script.flatMap((line) => ['-e', line]), title, body];
}

/** notify-send reads escapes with a backslash in the body, and whoever shows it reads markup. */
function plainBody(body: string): string {
  return body.replaceAll('\\', '\\\\').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
