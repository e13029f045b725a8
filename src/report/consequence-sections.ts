import type { ConsequenceReport } from '../analysis/consequence-report.ts';
import { mainSubject } from '../analysis/subject.ts';
import type { RunResult, StepResult } from '../result/types.ts';
import {
  deathTable,
  formulaTable,
  hazardTable,
  limitTable,
  metadataTable,
  moverTable,
  operationTable,
  payerTables,
  placementTable,
  poolTable,
  priceTable,
  scorecardTable,
  stepId,
  toolTable,
} from './consequence-tables.ts';
import type { Section } from './html-page.ts';
import { htmlTable, type ReportTable } from './html-table.ts';
import { html, type Html } from './html-text.ts';
import { PLACEMENT_TITLE, threadText, VERDICT_NOTE } from './verdict-words.ts';

/** What follows from the designs, as sections of the HTML report: the scorecard, its consequences, and the steps that they refer to. */
export function consequenceSections(result: RunResult, report: ConsequenceReport): Section[] {
  const subject = mainSubject(result);
  const scorecard: Section = {
    id: 'scorecard',
    title: 'Scorecard',
    body: html`<p>${VERDICT_NOTE}</p>
      ${htmlTable(scorecardTable(report))}
      <details>
        <summary>Where the requirements come from</summary>
        <dl>
          ${report.scorecard.map(
            ({ title, threads }) =>
              html`<dt>${title}</dt>
                ${threads.map((thread) => html`<dd>${threadText(thread)}</dd>`)}`,
          )}
        </dl>
      </details>`,
  };
  const steps = shownSteps(result, report);
  const evidence: Section = { id: 'evidence', title: 'Steps that show it', body: stepTable(steps) };
  if (!subject) return [scorecard, ...(steps.length > 0 ? [evidence] : [])];
  const moment = html`<p>At snapshot ${subject.snapshot} (step ${subject.step}).</p>`;
  const limits = limitTable(report);
  const placement = placementTable(report, subject);
  const movers = moverTable(report);
  const pools = poolTable(report);
  const metadata = metadataTable(report, subject);
  const operations = operationTable(report);
  const risks = hazardTable(report);
  return [
    scorecard,
    {
      id: 'payers',
      title: 'Who pays for whom',
      body: html`${moment}
        <p>
          Rows: the cgroup of the process that the memory serves, whoever was charged. “nobody” serves no
          living process. payers.csv has every snapshot.
        </p>
        ${payerTables(report, subject).map(titled)} ${limits && titled(limits)}`,
    },
    { id: 'deaths', title: 'Who dies', body: html`${moment} ${htmlTable(deathTable(report, subject))}` },
    ...(placement || movers
      ? [
          {
            id: 'placement',
            title: PLACEMENT_TITLE,
            body: html`${moment} ${placement && titled(placement)} ${movers && titled(movers)}`,
          },
        ]
      : []),
    ...(pools ? [{ id: 'pools', title: 'Memory in both pools', body: htmlTable(pools) }] : []),
    {
      id: 'costs',
      title: 'What it costs',
      body: html`${moment} ${metadata && titled(metadata)} ${operations && titled(operations)}
        <details>
          <summary>Prices and their sources</summary>
          ${htmlTable(priceTable())}
        </details>`,
    },
    {
      id: 'tools',
      title: 'What tools make people believe',
      body: html`${moment} ${htmlTable(toolTable(report, subject))}
        <details>
          <summary>Formulas and their sources</summary>
          ${htmlTable(formulaTable())}
        </details>`,
    },
    {
      id: 'hazards',
      title: 'Hazards',
      body: risks ? htmlTable(risks) : html`<p>None: no law broken, no hazard seen.</p>`,
    },
    ...(steps.length > 0 ? [evidence] : []),
  ];
}

const titled = (table: ReportTable): Html =>
  html`<h3>${table.title}</h3>
    ${htmlTable(table)}`;

/** Steps that verdicts and hazards point at, and those that took snapshots. */
function shownSteps(
  { strategies }: RunResult,
  { scorecard, strategies: follows }: ConsequenceReport,
): StepResult[] {
  const wanted = new Set([
    ...scorecard.flatMap(({ cells }) => cells.flatMap(({ evidence }) => (evidence ? [evidence.step] : []))),
    ...follows.flatMap(({ hazards, pools, movers }) =>
      [...hazards, ...pools, ...movers].map(({ step }) => step),
    ),
    ...strategies.flatMap(({ snapshots }) => snapshots.map(({ step }) => step)),
  ]);
  const byNumber = new Map(strategies.flatMap(({ steps }) => steps.map((step) => [step.n, step] as const)));
  return [...wanted]
    .sort((a, b) => a - b)
    .map(
      (n) =>
        byNumber.get(n) ?? { n, line: 0, who: '', text: '', ret: 0, errno: '', message: '', expected: true },
    );
}

function stepTable(steps: readonly StepResult[]): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Step</th>
        <th scope="col">Line</th>
        <th scope="col">Text</th>
      </tr>
    </thead>
    <tbody>
      ${steps.map(
        ({ n, line, text }) =>
          html`<tr id="${stepId(n)}">
            <th scope="row">${n}</th>
            <td>${line}</td>
            <td><code>${text}</code></td>
          </tr> `,
      )}
    </tbody>
  </table>`;
}
