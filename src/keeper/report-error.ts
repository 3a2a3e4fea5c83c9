/** Prints an error. The keeper survives disk errors, and prints what it could not write. */
export function complain(error: Error): void {
  console.error(`${new Date().toISOString()} ${error.message}`);
}
