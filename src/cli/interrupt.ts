const cleanups = new Set<() => void>();

/** Has something undone when the user interrupts the program; returns what takes that back. Cleanups must not wait. */
export function onInterrupt(cleanup: () => void): () => void {
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
  };
}

/** Undoes what is to be undone, the latest first. */
export function cleanUp(): void {
  for (const cleanup of [...cleanups].reverse()) cleanup();
  cleanups.clear();
}

/** Lets a pending interrupt be heard between two long pieces of work. */
export async function breathe(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
