import { mainSubject } from '../analysis/subject.ts';
import type { ProcessFacts, SnapshotFacts, VmaFacts } from '../procfs/facts.ts';
import { LAYOUTS } from '../procfs/layouts.ts';
import { renderNumaMaps } from '../procfs/numa-maps.ts';
import { renderSmaps } from '../procfs/smaps.ts';
import { renderStatus, statusOf } from '../procfs/status.ts';
import type { RunResult } from '../result/types.ts';

/** Lines of a file that the report quotes at most. */
const MOST_LINES = 80;

/** What the report quotes of a process: a title, and its text from the files of the process. */
const QUOTED: readonly (readonly [
  title: string,
  text: (process: ProcessFacts, facts: SnapshotFacts) => string,
])[] = [
  ['numa_maps', ({ vmas }) => renderNumaMaps(vmas)],
  ['largest mapping in smaps', ({ vmas }) => renderSmaps(largest(vmas))],
  [
    'status',
    (process, { kernel, nodes }) => renderStatus(statusOf(process, { layout: LAYOUTS[kernel], nodes })),
  ],
];

/**
 * What the kernel's files say of the process that the pictures speak of. Strategies under which they say the same are put
 * together; a text that is cut says so in its title.
 */
export function kernelTexts(result: RunResult): { title: string; text: string }[] {
  const subject = mainSubject(result);
  if (!subject) return [];
  const { worker, index } = subject;
  const strategiesByText = QUOTED.map(() => new Map<string, string[]>());
  for (const { name, snapshots } of result.strategies) {
    const snapshot = snapshots[index];
    const process = snapshot?.facts.processes.find((one) => one.worker === worker);
    if (!snapshot || !process) continue;
    QUOTED.forEach(([, textOf], at) => {
      const text = textOf(process, snapshot.facts);
      const strategies = strategiesByText[at]!;
      strategies.set(text, [...(strategies.get(text) ?? []), name]);
    });
  }
  return QUOTED.flatMap(([what], at) =>
    [...strategiesByText[at]!].map(([text, strategies]) => {
      const [head, words] = cut(text);
      return {
        title: `${what} of ${worker} at “${subject.snapshot}”${words}, under ${strategies.join(', ')}`,
        text: head,
      };
    }),
  );
}

/** The mapping with the most resident memory, as a list of one or none. */
function largest(vmas: readonly VmaFacts[]): VmaFacts[] {
  return [...vmas].sort((a, b) => b.smaps.rss - a.smaps.rss).slice(0, 1);
}

function cut(text: string): [head: string, words: string] {
  const lines = text.split('\n');
  const count = lines.length - 1;
  if (count <= MOST_LINES) return [text, ''];
  return [`${lines.slice(0, MOST_LINES).join('\n')}\n`, ` (the first ${MOST_LINES} of ${count} lines)`];
}
