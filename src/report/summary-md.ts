import { CLASS_WORDS, LABELS, LABEL_WORDS } from '../analysis/labels.ts';
import type { AttributionRow } from '../analysis/types.ts';
import type { PartUse, RunResult, StrategyRun } from '../result/types.ts';
import { comparisonMd } from './comparison-md.ts';
import type { Comparison } from './comparison-types.ts';
import { allExpectations, expectationCount, unmetExpectations, unmetWords } from './expectation-words.ts';
import { consequencesMd } from './consequences-md.ts';
import { headline } from './html-headline.ts';
import { codeMd, escapeMd } from './md-text.ts';
import { type OddStep, oddSteps } from './odd-steps.ts';

/** Steps listed before the rest is only counted; the result document has all of them. */
const MOST_STEPS = 30;

/** summary.md of a run: what happened, the comparison, what failed, what was found, and what it all rests on. */
export function summaryMd(
  result: RunResult,
  rows: readonly AttributionRow[],
  comparison: Comparison,
): string {
  const { scenario, strategies, machine } = result;
  const told = headline(result, rows);
  const sections: [string, string][] = [
    ['Comparison', comparisonMd(comparison)],
    ...consequencesMd(result, comparison.consequences),
    ['Failed and unexpected steps', stepList(oddSteps(strategies), strategies.length)],
    ['Findings', findingList(strategies)],
    ['Expectations', expectationList(result)],
    ['How far to trust a number', list([...LABELS.map((label) => LABEL_WORDS[label]), ...classWords()])],
    ['Strategies', strategies.map(strategyText).join('\n')],
    ['Sources of the scenario', list(scenario.sources.map(escapeMd), 'None stated.')],
  ];
  const intro = [
    `# ${escapeMd(scenario.title)}\n`,
    `Scenario ${codeMd(scenario.id)}, Linux ${escapeMd(scenario.kernel)}, seed ${scenario.seed}, machine: ${escapeMd(machine.title)}.\n`,
    ...(scenario.description.trim() === '' ? [] : [`${escapeMd(scenario.description.trim())}\n`]),
    `${escapeMd(told.lead)}\n`,
    ...(told.points.length > 0 ? [list(told.points.map(escapeMd))] : []),
    ...(told.alarms.length > 0 ? [`**What went wrong**\n\n${list(told.alarms.map(escapeMd))}`] : []),
  ];
  return [...intro, ...sections.map(([title, body]) => `## ${title}\n\n${body}`)].join('\n');
}

const list = (items: readonly string[], none = ''): string =>
  items.length > 0 ? items.map((item) => `- ${item}\n`).join('') : `${none}\n`;

const classWords = (): string[] => [
  CLASS_WORDS.accounting,
  CLASS_WORDS.stat,
  "truth: the engine's own record, which no strategy can write to",
];

function stepList(steps: readonly OddStep[], count: number): string {
  const shown = steps.slice(0, MOST_STEPS).map(({ step, strategies }) => {
    const outcome = step.errno ? `${step.ret} ${step.errno}` : String(step.ret);
    const who = strategies.length === count ? 'every strategy' : strategies.map(escapeMd).join(', ');
    const message = step.message ? `: ${escapeMd(step.message)}` : '';
    const stated = step.expected ? '' : ' **Not what the script states.**';
    return `Step ${step.n} (line ${step.line}), ${codeMd(`${step.who}: ${step.text}`)}: **${outcome}** under ${who}${message}.${stated}`;
  });
  const rest = steps.length - shown.length;
  return list([...shown, ...(rest > 0 ? [`and ${rest} more in result.json`] : [])], 'None.');
}

function findingList(strategies: readonly StrategyRun[]): string {
  const findings = strategies.flatMap(({ name, findings }) =>
    findings.map(
      ({ kind, id, message, step, line }) =>
        `**${escapeMd(name)}**, step ${step} (line ${line}), ${kind} ${codeMd(id)}: ${escapeMd(message)}`,
    ),
  );
  return list(findings, 'None: no law broken, no hazard seen.');
}

function expectationList(result: RunResult): string {
  const all = allExpectations(result);
  if (all.length === 0) return 'The scenario states none.\n';
  const failed = unmetExpectations(result);
  const shown = failed.slice(0, MOST_STEPS).map((one) => `Line ${one.line}: ${escapeMd(unmetWords(one))}`);
  const rest = failed.length - shown.length;
  return list([
    `${expectationCount(all)}.`,
    ...shown,
    ...(rest > 0 ? [`and ${rest} more in result.json`] : []),
  ]);
}

function strategyText({ name, title, label, error, parts }: StrategyRun): string {
  const stop = error
    ? [
        `**Stopped** at step ${error.step} (line ${error.line}) in ${codeMd(error.part)}: ${escapeMd(error.message)}`,
      ]
    : [];
  return `### ${escapeMd(name)}\n\n${escapeMd(title)} (${label}).\n\n${list([...stop, ...parts.map(partText)])}`;
}

function partText({ axis, id, summary, origin, source, options }: PartUse): string {
  const set = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const words = set.length > 0 ? ` Options: ${codeMd(set.join(' '))}.` : '';
  return `${axis} ${codeMd(id)} (${origin}): ${escapeMd(summary)}${words} Source: ${escapeMd(source)}`;
}
