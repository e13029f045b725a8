import type { CaptureReport } from '../conformance/conform-report.ts';
import { outcomeOf, remark, SIGN_WORDS, SIGNS, type Outcome } from '../conformance/count-words.ts';
import { FIELD_CLASSES, type FieldClassName } from '../conformance/field-class.ts';
import { html, type Html } from './html-text.ts';

/** Style rules of the matrix: column heads stand upright, so that all classes fit on a page. */
export const MATRIX_STYLE = `
.matrix table{font-size:.78rem}
.matrix thead th{padding:.3rem}
.matrix thead th.class{writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap}
.matrix td{padding:.25rem .3rem;border-left:1px solid var(--line);white-space:nowrap}
.matrix tbody th{min-width:9rem;padding:.25rem .5rem .25rem 0}
.matrix tbody th.kernel{border-bottom:1px solid var(--ink);padding-top:1rem;font-size:.95rem}
.matrix .sign{font-weight:700;font-size:.95rem}
.matrix td.off{background:var(--bad);font-weight:600}
.matrix td.absent{color:var(--soft);text-align:center}
`;

/** Captures down, by kernel; field classes across: a sign and the number of compared fields, then what is not exact. */
export function conformanceMatrix(captures: readonly CaptureReport[]): Html {
  const classes = FIELD_CLASSES.filter((name) => captures.some((capture) => countOf(capture, name)));
  const kernels = [...new Set(captures.map(({ release }) => release))];
  return html`<div
      class="scroll matrix"
      tabindex="0"
      role="region"
      aria-label="Matrix of captures and field classes"
    >
      <table>
        <thead>
          <tr>
            <th scope="col">Scenario</th>
            <th scope="col">Steps that match</th>
            ${classes.map((name) => html`<th scope="col" class="class">${name}</th>`)}
          </tr>
        </thead>
        ${kernels.map(
          (kernel) =>
            html`<tbody>
              <tr>
                <th scope="rowgroup" class="kernel" colspan="${classes.length + 2}">Linux ${kernel}</th>
              </tr>
              ${captures.filter(({ release }) => release === kernel).map((capture) => row(capture, classes))}
            </tbody> `,
        )}
      </table>
    </div>
    <ul>
      ${SIGN_WORDS.map((words) => html`<li>${words}</li>`)}
    </ul>
    <p>
      The number beside a sign is that of the fields compared; below it, how many of them are within noise or
      off.
    </p>`;
}

const countOf = (
  capture: CaptureReport,
  name: FieldClassName,
): CaptureReport['classes'][number]['count'] | undefined =>
  capture.classes.find(({ fieldClass }) => fieldClass === name)?.count;

function row(capture: CaptureReport, classes: readonly FieldClassName[]): Html {
  const { scenario, reason, steps } = capture;
  if (capture.classes.length === 0) {
    return html`<tr>
      <th scope="row">${scenario}</th>
      <td colspan="${classes.length + 1}">not judged: ${reason}</td>
    </tr> `;
  }
  return html`<tr>
    <th scope="row">${scenario}${reason === null ? null : html`<small> (not judged to its end)</small>`}</th>
    <td>${steps.matching} of ${steps.recorded}</td>
    ${classes.map((name) => cell(capture, name))}
  </tr> `;
}

const TONES: Readonly<Record<Outcome, string>> = {
  exact: 'exact',
  'within noise': 'noise',
  off: 'off',
  absent: 'absent',
};

function cell(capture: CaptureReport, name: FieldClassName): Html {
  const count = countOf(capture, name);
  const outcome = outcomeOf(count);
  const words = count ? `${count.compared} compared, ${count.exact} exact` : 'no such field';
  const beside = count ? remark(count) : null;
  return html`<td class="${TONES[outcome]}" title="${capture.scenario}, ${name}: ${words}">
    <span class="sign">${SIGNS[outcome]}</span
    >${count ? ` ${count.compared}` : null}${beside === null ? null : html`<small>${beside}</small>`}
  </td> `;
}
