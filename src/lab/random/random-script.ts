import { RANDOM_STEPS } from './random-steps.ts';
import { prepare } from './machine-draws.ts';
import { RandomWriter, type RandomScriptRequest } from './random-writer.ts';

/** Everything is counted from here on. */
export const FIRST_SNAPSHOT = 'snapshot 00';
/** Lines between two snapshots. */
const STRETCH = 12;
/**
 * A random script that is valid for the step language: it begins and ends with a snapshot and has one after every few lines. The same
 * request gives the same script.
 */
export function randomScript(request: RandomScriptRequest): string {
  const writer = new RandomWriter(request);
  const { lines } = writer;
  prepare(writer);
  while (writer.dice.oneIn(3)) writer.spawn();
  lines.push(FIRST_SNAPSHOT);
  let snapshots = 1;
  let since = 0;
  const end = request.length + 1;
  while (lines.length - snapshots < end - 1 && writer.state.workers.length > 0) {
    const before = lines.length;
    writer.dice.weighted(RANDOM_STEPS)(writer);
    since += lines.length - before;
    if (since >= STRETCH && lines.length - snapshots < end - 3) {
      lines.push(`snapshot ${String(snapshots++).padStart(2, '0')}`);
      since = 0;
    }
  }
  lines.push(`snapshot ${String(snapshots).padStart(2, '0')}`);
  return `${lines.join('\n')}\n`;
}
