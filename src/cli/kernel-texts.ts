import { mainSubject } from '../analysis/subject.ts';
import { renderTree } from '../procfs/tree.ts';
import type { RunResult } from '../result/types.ts';

/** Files of the main process that the report quotes, and how many lines of each at most. */
const QUOTED: readonly (readonly [file: string, lines: number])[] = [
  ['numa_maps', 80],
  ['smaps', 80],
  ['status', 80],
];

/**
 * What the kernel's files say of the process that the pictures speak of. Strategies under which a file says the same are put
 * together; a file that is cut says so in its title.
 */
export function kernelTexts(result: RunResult): { title: string; text: string }[] {
  const subject = mainSubject(result);
  if (!subject) return [];
  const { worker, index } = subject;
  const quotes = QUOTED.map(([file]) => ({ file, strategiesByText: new Map<string, string[]>() }));
  for (const { name, snapshots } of result.strategies) {
    const snapshot = snapshots[index];
    const process = snapshot?.facts.processes.find((one) => one.worker === worker);
    if (!snapshot || !process) continue;
    const tree = renderTree(snapshot.facts);
    for (const { file, strategiesByText } of quotes) {
      const text = tree.get(`proc/${process.pid}/${file}`) ?? '';
      strategiesByText.set(text, [...(strategiesByText.get(text) ?? []), name]);
    }
  }
  return quotes.flatMap(({ file, strategiesByText }, at) =>
    [...strategiesByText].map(([text, strategies]) => {
      const [cut, words] = head(text, QUOTED[at]![1]);
      return {
        title: `${file} of ${worker} at “${subject.snapshot}”${words}, under ${strategies.join(', ')}`,
        text: cut,
      };
    }),
  );
}

/** The first lines of a text, and words that say so where it has more. */
function head(text: string, most: number): [text: string, words: string] {
  const lines = text.split('\n');
  const count = lines.length - 1;
  if (count <= most) return [text, ''];
  return [`${lines.slice(0, most).join('\n')}\n`, ` (the first ${most} of ${count} lines)`];
}
