import { REPORT_STYLE } from './html-style.ts';
import { html, raw, type Html } from './html-text.ts';

/** One part of a page, under a heading of its own. */
export interface Section {
  id: string;
  title: string;
  body: Html;
}

/** What a page is put together from. */
export interface HtmlPage {
  /** Of the window. */
  title: string;
  /** Program and version. */
  generator: string;
  /** A line above the heading: what sort of report it is. */
  kind: string;
  heading: string;
  lead: string;
  /** What follows from it, one sentence each. */
  points: readonly string[];
  /** What went wrong. */
  alarms: readonly string[];
  sections: readonly Section[];
  /** Style rules that stand before the reports' own. */
  css: string;
}

/**
 * One HTML page that needs nothing but itself: no script, no request (its own policy forbids them), the same bytes for the
 * same input. Every text is escaped.
 */
export function htmlPage(input: HtmlPage): string {
  const { title, generator, kind, heading, lead, points, alarms, sections, css } = input;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="${generator}" />
        <title>${title}</title>
        <style>
          ${raw(css)}${raw(REPORT_STYLE)}
        </style>
      </head>
      <body>
        <header>
          <p class="kind">${kind}</p>
          <h1>${heading}</h1>
          <p class="lead">${lead}</p>
          ${
            points.length > 0
              ? html`<ul>
                  ${points.map((point) => html`<li>${point}</li>`)}
                </ul>`
              : null
          }
          ${
            alarms.length > 0
              ? html`<div class="alarm">
                  <p><strong>What went wrong</strong></p>
                  <ul>
                    ${alarms.map((alarm) => html`<li>${alarm}</li>`)}
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
