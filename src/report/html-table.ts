import { html, type Html } from './html-text.ts';

/** A cell: words, or words with a note below and a tint that repeats what the words say. */
export type ReportCell =
  | string
  | {
      text: string;
      note?: string | undefined;
      tone?: 'good' | 'mixed' | 'bad' | undefined;
      link?: CellLink | undefined;
    };

/** A place on the same page that shows what a cell says. */
export interface CellLink {
  /** Id of the element. */
  to: string;
  text: string;
}

/** A table as plain data; the first cell of a row names the row. */
export interface ReportTable {
  title: string;
  /** A sentence below the title. */
  note?: string | undefined;
  header: readonly string[];
  rows: readonly (readonly ReportCell[])[];
}

/** A table with its headings bound to rows and columns, in a box that scrolls sideways when the window is narrow. */
export function htmlTable(table: ReportTable): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${table.title}">
    <table>
      ${
        table.note
          ? html`<caption>
              ${table.note}
            </caption>`
          : null
      }
      <thead>
        <tr>
          ${table.header.map((words) => html`<th scope="col">${words}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${table.rows.map(
          (row) =>
            html`<tr>
              ${row.map(cell)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

function cell(value: ReportCell, at: number): Html {
  const { text, note, tone, link }: Exclude<ReportCell, string> =
    typeof value === 'string' ? { text: value } : value;
  const small = html`${note ? html`<small>${note}</small>` : null}${
    link ? html`<small><a href="#${link.to}">${link.text}</a></small>` : null
  }`;
  if (at === 0) return html`<th scope="row">${text}${small}</th>`;
  return tone ? html`<td class="${tone}">${text}${small}</td>` : html`<td>${text}${small}</td>`;
}
