import { LABEL_WORDS } from '../analysis/labels.ts';
import type { PartUse, StepResult, StrategyRun } from '../result/types.ts';
import { expectationCount, unmetWords } from './expectation-words.ts';
import { html, type Html } from './html-text.ts';

/** Steps listed per strategy before the rest is counted only. */
const MOST_STEPS = 20;
const ORIGIN: Readonly<Record<PartUse['origin'], string>> = {
  mainline: 'in mainline Linux',
  proposed: 'proposed on a mailing list or in a talk',
  'what-if': 'a what-if of this toolkit',
};

/** One strategy: what it is made of, how far its numbers can be trusted, what it broke and which calls failed. */
export function htmlCard(run: StrategyRun): Html {
  const failed = run.steps.filter((step) => step.ret < 0 || !step.expected);
  return html`<article class="card">
    <h3>${run.name}</h3>
    <p>${run.title} <span class="label ${run.label}" title="${LABEL_WORDS[run.label]}">${run.label}</span></p>
    ${run.error ? html`<p class="alarm"><strong>Stopped at step ${run.error.step}</strong> (line ${run.error.line}, in ${run.error.part}): ${run.error.message}</p>` : null}
    <dl>${run.parts.map(part)}</dl>
    <h4>Findings</h4>
    ${
      run.findings.length === 0
        ? html`<p>None: no law broken, no hazard seen.</p>`
        : html`<ul>
            ${run.findings.map((finding) => html`<li class="alarm"><strong>${finding.kind}: ${finding.id}</strong>, step ${finding.step} (line ${finding.line}): ${finding.message}</li>`)}
          </ul>`
    }
    ${expectations(run)}
    <h4>Failing steps</h4>
    ${
      failed.length === 0
        ? html`<p>None of ${run.steps.length}.</p>`
        : html`<ul>
            ${failed.slice(0, MOST_STEPS).map(step)}
          </ul>`
    }
    ${failed.length > MOST_STEPS ? html`<p>and ${failed.length - MOST_STEPS} more.</p>` : null} ${counts(run)}
  </article>`;
}

function expectations({ name, expectations: all }: StrategyRun): Html | null {
  if (all.length === 0) return null;
  const unmet = all.filter(({ isMet }) => !isMet).map((one) => unmetWords({ ...one, strategies: [name] }));
  return html`<h4>Expectations</h4>
    <p>${expectationCount(all)}.</p>
    ${
      unmet.length > 0
        ? html`<ul>
            ${unmet.map((words) => html`<li class="alarm">${words}</li>`)}
          </ul>`
        : null
    }`;
}

function part(use: PartUse): Html {
  const options = Object.entries(use.options).map(([name, value]) => `${name}=${value}`);
  return html`<dt>${use.axis}: ${use.title}</dt>
    <dd>${use.summary}</dd>
    <dd>Origin: ${ORIGIN[use.origin]}. Source: ${use.source}</dd>
    ${options.length > 0 ? html`<dd>Options: <code>${options.join(' ')}</code></dd>` : null}`;
}

function step(one: StepResult): Html {
  const result = one.errno ? `${one.ret} ${one.errno}` : String(one.ret);
  return html`<li>
    Step ${one.n} (line ${one.line}): <code>${one.who} ${one.text}</code> →
    <strong>${result}</strong
    >${one.message ? `: ${one.message}` : ''}${one.expected ? ' (as the script states)' : html` <strong>(not what the script states)</strong>`}
  </li>`;
}

function counts(run: StrategyRun): Html | null {
  const entries = Object.entries(run.counts).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return null;
  return html`<details>
    <summary>Operation counts of ${run.name}</summary>
    <ul>
      ${entries.map(([name, value]) => html`<li>${name}: ${value}</li>`)}
    </ul>
  </details>`;
}
