import { answersOf, type Answer } from '../analysis/answers.ts';
import { mainSubject } from '../analysis/subject.ts';
import { privateKb, processTruth, truthKb } from '../analysis/truth.ts';
import type { AttributionRow } from '../analysis/types.ts';
import { sizeText } from '../charts/size-text.ts';
import type { RunResult, StrategyRun } from '../result/types.ts';
import { expectationCount } from './expectation-words.ts';

/** What happened, in words that are computed from the rows. */
export interface Headline {
  /** One sentence. */
  lead: string;
  /** One sentence per interface that matters to readers: who sees, who misses, who counts too much. */
  points: string[];
  /** Laws broken, steps that came out otherwise than stated, strategies that stopped, expectations not met. */
  alarms: string[];
}

/** Interfaces of the headline: an id of the rows, or the first of several, and how people call it. */
const ASKED: readonly { ids: readonly string[]; words: string }[] = [
  { ids: ['rss', 'smaps-rss'], words: 'VmRSS (what top calls RES)' },
  { ids: ['numa_maps', 'numastat-p'], words: 'numa_maps' },
  { ids: ['memory.current', 'memory.stat-total'], words: 'The cgroup (memory.current)' },
];
/** An error below this share of the truth is no news: page tables, per-CPU batches. */
const NEWS = 0.01;

/** Sums a run up: which strategies' interfaces see the private memory, and what went wrong. */
export function headline(result: RunResult, rows: readonly AttributionRow[]): Headline {
  const alarms = alarmsOf(result.strategies);
  const subject = mainSubject(result);
  if (!subject) return { lead: 'No process was seen in any snapshot.', points: [], alarms };
  const truths = result.strategies.flatMap((run) => {
    const process = processTruth(run.snapshots[subject.index], subject.worker);
    return process ? [process] : [];
  });
  const range = (sizes: readonly number[]): string => {
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)].map(sizeText) as [string, string];
    return least === most ? most : `${least} to ${most}`;
  };
  const answer = answersOf(rows);
  const points: string[] = [];
  let shown = '';
  for (const { ids, words } of ASKED) {
    const id = ids.find((one) => rows.some((row) => row.interface === one));
    if (id === undefined) continue;
    const groups = new Map<string, string[]>();
    for (const run of result.strategies) {
      const snapshot = run.snapshots[subject.index];
      const verdict = verdictOn(snapshot ? answer(run.name, snapshot, id, subject) : null);
      groups.set(verdict, [...(groups.get(verdict) ?? []), run.name]);
    }
    const sees = groups.get(RIGHT) ?? [];
    if (id === 'rss') {
      const named = sees.length > 0 ? ` (${sees.join(', ')})` : '';
      shown = ` ${sees.length} of ${result.strategies.length} strategies show it in VmRSS${named}.`;
    }
    const verdicts = [...groups].map(([verdict, names]) => `${verdict} under ${names.join(', ')}`);
    points.push(`${words} is ${verdicts.join('; ')}.`);
  }
  const lead =
    `At snapshot “${subject.snapshot}” ${subject.worker} really uses ${range(truths.map(truthKb))}, ` +
    `of which ${range(truths.map(privateKb))} is private guest memory.${shown}`;
  return { lead, points, alarms };
}

const RIGHT = 'right (within 1%)';

function verdictOn(said: Answer | null): string {
  if (!said || said.errorKb === null) return 'without an answer';
  if (Math.abs(said.errorKb) > NEWS * said.truthKb) {
    return `too ${said.errorKb < 0 ? 'low' : 'high'} by ${sizeText(Math.abs(said.errorKb))}`;
  }
  return said.misplacedKb > NEWS * said.truthKb
    ? `on the wrong node for ${sizeText(said.misplacedKb)}`
    : RIGHT;
}

function alarmsOf(strategies: readonly StrategyRun[]): string[] {
  const stops = strategies.flatMap(({ name, error }) =>
    error ? [`${name} stopped at step ${error.step}: ${error.message}`] : [],
  );
  const findings = strategies.flatMap(({ name, findings }) =>
    findings.length > 0
      ? [
          `${name}: ${count(findings.length, 'finding')} (${[...new Set(findings.map(({ id }) => id))].join(', ')})`,
        ]
      : [],
  );
  const surprised = strategies
    .map(({ name, steps }) => ({ name, steps: steps.filter((step) => !step.expected).length }))
    .filter(({ steps }) => steps > 0)
    .map(({ name, steps }) => `${name} (${count(steps, 'step')})`);
  const surprises =
    surprised.length > 0 ? [`Steps came out otherwise than the script states: ${surprised.join(', ')}`] : [];
  const unmet = strategies.flatMap(({ name, expectations }) =>
    expectations.every(({ isMet }) => isMet) ? [] : [`${name}: ${expectationCount(expectations)}`],
  );
  return [...stops, ...findings, ...surprises, ...unmet];
}

const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;
