import type { AttributionRow } from '../analysis/types.ts';
import { LABEL_WORDS } from '../analysis/labels.ts';
import type { FieldLabel, RunResult } from '../result/types.ts';
import { formatSize } from '../units/pages.ts';
import { htmlCard } from './html-card.ts';
import { htmlFigure, type ReportChart } from './html-figure.ts';
import { headline } from './html-headline.ts';
import { REPORT_STYLE } from './html-style.ts';
import { htmlTable, type ReportTable } from './html-table.ts';
import { html, raw, type Html } from './html-text.ts';

/** What the report is put together from. */
export interface HtmlReportInput {
  result: RunResult;
  rows: readonly AttributionRow[];
  charts: readonly ReportChart[];
  /** The comparison, first table first. */
  tables: readonly ReportTable[];
  /** Extracts of what the kernel's files say. */
  kernelTexts?: readonly { title: string; text: string }[] | undefined;
  /** `@font-face` rules with `data:` URLs, so that pictures use the font they were measured with. */
  fontCss?: string | undefined;
}

interface Section {
  id: string;
  title: string;
  body: Html;
}

/**
 * One HTML page that needs nothing but itself: no script, no request (its own policy forbids them), the same bytes for the
 * same input. Every text of the result is escaped.
 */
export function htmlReport(input: HtmlReportInput): string {
  const { result } = input;
  const sections = reportSections(input).filter((section): section is Section => section !== null);
  const told = headline(result, input.rows);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="${result.tool.name} ${result.tool.version}" />
        <title>${result.scenario.title} – ${result.tool.name}</title>
        <style>
          ${raw(input.fontCss ?? '')}${raw(REPORT_STYLE)}
        </style>
      </head>
      <body>
        <header>
          <p class="kind">
            ${result.tool.name} report, scenario ${result.scenario.id}, Linux ${result.scenario.kernel}
          </p>
          <h1>${result.scenario.title}</h1>
          <p class="lead">${told.lead}</p>
          ${
            told.points.length > 0
              ? html`<ul>
                  ${told.points.map((point) => html`<li>${point}</li>`)}
                </ul>`
              : null
          }
          ${
            told.alarms.length > 0
              ? html`<div class="alarm">
                  <p><strong>What went wrong</strong></p>
                  <ul>
                    ${told.alarms.map((alarm) => html`<li>${alarm}</li>`)}
                  </ul>
                </div>`
              : null
          }
          <nav aria-label="Sections">
            <ul>
              ${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
            </ul>
          </nav>
        </header>
        <main>
          ${sections.map(
            ({ id, title, body }) =>
              html`<section id="${id}" aria-labelledby="${id}-title">
                <h2 id="${id}-title">${title}</h2>
                ${body}
              </section> `,
          )}
        </main>
      </body>
    </html> `;
  return page.markup;
}

function reportSections({ result, charts, tables, kernelTexts = [] }: HtmlReportInput): (Section | null)[] {
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
