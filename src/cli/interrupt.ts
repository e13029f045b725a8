const cleanups = new Set<() => void>();

/** Has something undone when the user interrupts the program; returns what takes that back. Cleanups must not wait. */
export function onInterrupt(cleanup: () => void): () => void {
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
  };
}

/** Runs what is to be undone. */
export function cleanUp(): void {
  for (const cleanup of cleanups) cleanup();
  cleanups.clear();
}

/** Lets a pending interrupt be heard between two long pieces of work. */
export async function breathe(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
