import { htmlTable } from './html-table.ts';
import { html, raw, type Html } from './html-text.ts';

/** A drawn picture for the report; what `renderCharts` returns fits. */
export interface ReportChart {
  /** Unique in the report. */
  name: string;
  title: string;
  /** Text alternative. */
  description: string;
  svg: string;
  /** The picture's numbers. */
  table: { header: readonly string[]; rows: readonly (readonly string[])[] };
}

/** A picture with its text alternative and its numbers in a table; a dark page inverts its lightness. */
export function htmlFigure(chart: ReportChart): Html {
  return html`<figure id="chart-${chart.name}">
    <h3 class="hidden">${chart.title}</h3>
    <div class="scroll picture" tabindex="0" role="region" aria-label="Picture: ${chart.title}">
      ${inline(chart)}
    </div>
    <figcaption>${chart.description}</figcaption>
    <details>
      <summary>The same as a table: ${chart.title}</summary>
      ${htmlTable({ title: `Numbers of: ${chart.title}`, ...chart.table })}
    </details>
  </figure>`;
}

/**
 * An SVG document as part of the page: ids made unique (each drawing counts its clip paths from zero), named for screen
 * readers, and never scaled down below seven tenths, where its text would be too small: the box scrolls instead.
 */
function inline(chart: ReportChart): Html {
  const { svg, name } = chart;
  const width = Number(/<svg[^>]*\bwidth="([\d.]+)"/.exec(svg)?.[1] ?? 0);
  const head = html`<svg role="img" aria-label="${chart.title}. ${chart.description}" style="min-width:${Math.round(width * 0.7)}px;max-width:${Math.round(width * 1.1)}px" `;
  return raw(
    svg
      .slice(svg.indexOf('<svg'))
      .replace(/\bid="([^"]+)"/g, `id="${name}-$1"`)
      .replace(/url\(#([^)]+)\)/g, `url(#${name}-$1)`)
      .replace(/href="#([^"]+)"/g, `href="#${name}-$1"`)
      .replace('<svg ', () => head.markup),
  );
}
