import type { JudgedRequirement } from '../analysis/consequence-report.ts';
import type { Judgement } from '../analysis/requirement-types.ts';
import { escapeMd } from './md-text.ts';
import { evidenceText, figureText, threadText, VERDICT_NOTE, VERDICT_SIGNS } from './verdict-words.ts';

/** Strategies that did alike on a requirement, in their order. */
interface Alike {
  strategies: string[];
  judgement: Judgement;
}

/** The scorecard for a terminal: a paragraph per requirement, a line per verdict and what it rests on. */
export function scorecardText(scorecard: readonly JudgedRequirement[]): string {
  const paragraphs = scorecard.map(({ title, demand, cells }) => [
    `${title}: ${demand}`,
    ...alike(cells).flatMap(({ strategies, judgement }) => [
      `  ${VERDICT_SIGNS[judgement.verdict].plain} ${judgement.verdict.padEnd(9)} ${strategies.join(', ')}`,
      ...(judgement.figure ? [`      ${basis(judgement)}`] : []),
    ]),
  ]);
  return [['Scorecard'], ...paragraphs, [VERDICT_NOTE]]
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

/** The scorecard as Markdown: a heading per requirement, its verdicts, and the discussion that it comes from. */
export function scorecardMd(scorecard: readonly JudgedRequirement[]): string {
  const sections = scorecard.map(({ title, demand, threads, cells }) => {
    const verdicts = alike(cells).map(({ strategies, judgement }) => {
      const { verdict, figure } = judgement;
      const words = figure ? `: ${escapeMd(basis(judgement))}` : '';
      return `- ${VERDICT_SIGNS[verdict].page} **${verdict}** under ${strategies.map(escapeMd).join(', ')}${words}\n`;
    });
    const asked = threads.map((thread) => escapeMd(threadText(thread))).join('; ');
    return `### ${title}\n\n${escapeMd(demand)}\n\n${verdicts.join('')}\nAsked in: ${asked}\n`;
  });
  return [`${VERDICT_NOTE}\n`, ...sections].join('\n');
}

const basis = ({ figure, evidence }: Judgement): string =>
  [figure && figureText(figure), evidence && `(${evidenceText(evidence)})`]
    .filter((words) => words !== null)
    .join(' ');

function alike(cells: JudgedRequirement['cells']): Alike[] {
  const groups = new Map<string, Alike>();
  for (const { strategy, ...judgement } of cells) {
    const key = JSON.stringify([judgement.verdict, basis(judgement)]);
    const group = groups.get(key);
    if (group) group.strategies.push(strategy);
    else groups.set(key, { strategies: [strategy], judgement });
  }
  return [...groups.values()];
}
