/** Shows what is being done, in one line that is overwritten; only on a terminal. An empty text clears it. */
export function showProgress(words: string): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\u001b[K${words}`);
}

/** Tells the user something beside the data. */
export function say(words: string): void {
  showProgress('');
  process.stderr.write(`${words}\n`);
}
