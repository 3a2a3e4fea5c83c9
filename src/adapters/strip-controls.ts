/** Returns the line without colors and other terminal control sequences. */
export function withoutControls(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
  return line.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '');
}
