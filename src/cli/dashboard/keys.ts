/** The keys that the dashboard knows. */
const named = [
  'up',
  'down',
  'left',
  'right',
  'pageup',
  'pagedown',
  'home',
  'end',
  'enter',
  'escape',
  'backspace',
  'delete',
  'tab',
  'backtab',
  'interrupt',
  'suspend',
  'wheelup',
  'wheeldown',
] as const;

/** `ctrl`: a letter that is pressed with Ctrl. `paste`: text that was pasted and not typed. */
export type Key =
  | { readonly name: (typeof named)[number] }
  | { readonly name: 'text' | 'paste' | 'ctrl'; readonly text: string };
