import type { ConsequenceReport } from '../analysis/consequence-report.ts';
import type { AttributionRow } from '../analysis/types.ts';
import { LABEL_WORDS } from '../analysis/labels.ts';
import type { FieldLabel, RunResult } from '../result/types.ts';
import { formatSize } from '../units/pages.ts';
import { consequenceSections } from './consequence-sections.ts';
import { htmlCard } from './html-card.ts';
import { htmlFigure, type ReportChart } from './html-figure.ts';
import { headline } from './html-headline.ts';
import { htmlPage, type Section } from './html-page.ts';
import { htmlTable, type ReportTable } from './html-table.ts';
import { html, type Html } from './html-text.ts';

/** What the report is put together from. */
export interface HtmlReportInput {
  result: RunResult;
  rows: readonly AttributionRow[];
  charts: readonly ReportChart[];
  /** The comparison, first table first. */
  tables: readonly ReportTable[];
  consequences: ConsequenceReport;
  /** Extracts of what the kernel's files say. */
  kernelTexts?: readonly { title: string; text: string }[] | undefined;
  /** `@font-face` rules with `data:` URLs, so that pictures use the font they were measured with. */
  fontCss?: string | undefined;
}

/** The report of a run as one HTML page; every text of the result is escaped. */
export function htmlReport(input: HtmlReportInput): string {
  const { result } = input;
  const { tool, scenario } = result;
  const { lead, points, alarms } = headline(result, input.rows);
  return htmlPage({
    title: `${scenario.title} – ${tool.name}`,
    generator: `${tool.name} ${tool.version}`,
    kind: `${tool.name} report, scenario ${scenario.id}, Linux ${scenario.kernel}`,
    heading: scenario.title,
    lead,
    points,
    alarms,
    sections: reportSections(input).filter((section): section is Section => section !== null),
    css: input.fontCss ?? '',
  });
}

function reportSections({
  result,
  charts,
  tables,
  consequences,
  kernelTexts = [],
}: HtmlReportInput): (Section | null)[] {
  return [
    tables.length === 0
      ? null
      : {
          id: 'comparison',
          title: 'Comparison',
          body: html`${tables.map(
            (table) =>
              html`<h3>${table.title}</h3>
                ${htmlTable(table)}`,
          )}`,
        },
    ...consequenceSections(result, consequences),
    charts.length === 0 ? null : { id: 'charts', title: 'Charts', body: html`${charts.map(htmlFigure)}` },
    {
      id: 'strategies',
      title: 'Strategies',
      body: html`<div class="cards">${result.strategies.map(htmlCard)}</div>`,
    },
    kernelTexts.length === 0
      ? null
      : {
          id: 'kernel-texts',
          title: 'What the kernel files say',
          body: html`${kernelTexts.map(
            ({ title, text }) =>
              html`<details>
                <summary>${title}</summary>
                <pre tabindex="0">${text}</pre>
              </details> `,
          )}`,
        },
    { id: 'scenario', title: 'Scenario and machine', body: scenario(result) },
    { id: 'labels', title: 'How far to trust a number', body: labels() },
    { id: 'sources', title: 'Sources', body: sources(result) },
  ];
}

function scenario({ scenario, machine }: RunResult): Html {
  const rows = machine.nodes.map((node) => [
    `N${node.nid}`,
    node.cpulist || 'none',
    formatSize(node.memoryBytes),
    node.distances.join(' '),
  ]);
  const header = ['Node', 'CPUs', 'Memory', 'Distances'];
  return html`<p>${scenario.description}</p>
    <p>Seed ${scenario.seed}. Machine: ${machine.title}.</p>
    ${htmlTable({ title: 'Nodes of the machine', header, rows })}
    <details>
      <summary>Steps, as written</summary>
      <pre tabindex="0">${scenario.steps}</pre>
    </details>`;
}

function labels(): Html {
  const names = Object.keys(LABEL_WORDS) as FieldLabel[];
  return html`<ul>
      ${names.map((name) => html`<li><span class="label ${name}">${name}</span> ${LABEL_WORDS[name].slice(name.length + 2)}</li>`)}
    </ul>
    <p>
      Limits and kills depend on <em>accounting</em> fields; <em>stat</em> fields are looked at by people and
      tools.
    </p>`;
}

function sources({ scenario, strategies }: RunResult): Html {
  const parts = strategies.flatMap((run) => run.parts.map((part) => `${part.id}: ${part.source}`));
  const all = [...new Set([...scenario.sources, ...parts])].filter((source) => source !== '');
  return html`<ul>
    ${all.map((source) => html`<li>${source}</li>`)}
  </ul>`;
}
