import { describe, expect, it } from 'vitest';
import { consequenceReport } from '../../src/analysis/consequence-report.ts';
import { allCharts } from '../../src/charts/all-charts.ts';
import { chartFontCss } from '../../src/charts/chart-fonts.ts';
import { renderCharts } from '../../src/charts/render-chart.ts';
import { headline } from '../../src/report/html-headline.ts';
import { htmlReport } from '../../src/report/html-report.ts';
import { html, raw } from '../../src/report/html-text.ts';
import { fixture } from '../charts/fixture.ts';

async function report(): Promise<string> {
  const input = fixture();
  const charts = await renderCharts(allCharts(input), { png: false });
  return htmlReport({
    ...input,
    consequences: consequenceReport(input.result),
    charts,
    tables: [
      {
        title: 'Scores <all>',
        header: ['Strategy', 'VmRSS'],
        rows: [['fbind', { text: '83.3 MiB', note: 'misses "40 GiB"', tone: 'bad' }]],
      },
    ],
    kernelTexts: [{ title: '/proc/1201/numa_maps', text: '7f00 <bind> &c' }],
    fontCss: await chartFontCss(),
  });
}

describe('the HTML report', () => {
  it('needs nothing but itself', async () => {
    // Without the fonts' own bytes, so that a failure stays readable.
    const page = (await report()).replaceAll(/base64,[^)]+/g, 'base64,');
    expect(page).toMatch(/Content-Security-Policy"\s+content="default-src 'none'/);
    expect(page).not.toMatch(/<script|<link|<iframe|<img|@import|javascript:/i);
    expect(page).not.toMatch(/\b(?:src|srcset|action|data|poster)\s*=\s*["']?\s*(?:https?:)?\/\//i);
    for (const [, target] of page.matchAll(/(?:href|src)="([^"]*)"/g)) expect(target).toMatch(/^#/);
    for (const [, target] of page.matchAll(/url\(([^)]*)\)/g)) expect(target).toMatch(/^(?:#|data:font\/)/);
  });

  it('has every section, and every link and reference in it leads somewhere', async () => {
    const page = await report();
    for (const title of [
      'Comparison',
      'Charts',
      'Strategies',
      'What the kernel files say',
      'Scenario and machine',
      'How far to trust a number',
      'Sources',
    ]) {
      expect(page).toContain(`-title">${title}</h2>`);
    }
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!);
    expect(new Set(ids).size).toBe(ids.length);
    const wanted = [...page.matchAll(/(?:href="#|url\(#|aria-labelledby=")([^")]+)/g)].map(([, id]) => id!);
    expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('escapes what comes from outside', async () => {
    const page = await report();
    expect(page).toContain('7f00 &#60;bind&#62; &#38;c');
    expect(page).toContain('Scores &#60;all&#62;');
    expect(page).toContain('misses &#34;40 GiB&#34;');
    expect(page).toContain('&#38; no page &#60;to&#62; match');
    expect(page).not.toMatch(/<(?:to|bind|all|private|and)>/);
  });

  it('binds headings to rows and columns and gives each picture words', async () => {
    const page = await report();
    expect(page).toContain('<th scope="row">fbind</th>');
    expect(page).toContain('<th scope="col">VmRSS</th>');
    expect(page.match(/<svg[^>]*role="img"[^>]*aria-label="[^"]{40,}"/g)).toHaveLength(3);
    expect(page.match(/<svg /g)).toHaveLength(3);
  });

  it('is the same every time', async () => {
    expect(await report()).toBe(await report());
  });

  it('shows findings, failing steps and surprises of a strategy', async () => {
    const page = await report();
    expect(page).toContain('law: rss-balanced-at-exit');
    expect(page).toContain('-1 EFAULT');
    expect(page).toContain('not what the script states');
  });

  it('leaves out sections that have nothing to say', () => {
    const input = fixture();
    const consequences = consequenceReport(input.result);
    const page = htmlReport({ ...input, consequences, charts: [], tables: [] });
    expect(page).not.toContain('id="charts"');
    expect(page).not.toContain('id="comparison"');
    expect(page).toContain('id="strategies"');
  });
});

describe('the headline', () => {
  it('says who sees the private memory', () => {
    const { result, rows } = fixture();
    const told = headline(result, rows);
    expect(told.lead).toBe(
      'At snapshot “faulted” vmm really uses 40.1 GiB, of which 40.0 GiB is private guest memory. ' +
        '4 of 8 strategies show it in VmRSS (shadow-vma, tdp-fault, alloc-charge, upstream).',
    );
    expect(told.points).toContain(
      'The cgroup (memory.current) is right (within 1%) under page-cache, shadow-vma, tdp-fault, alloc-charge, ' +
        'tracker, upstream; too low by 40.0 GiB under fbind; too high by 20.0 GiB under mempolicy-dup.',
    );
    expect(told.alarms[0]).toBe('tdp-fault: 1 finding (rss-balanced-at-exit)');
  });

  it('has an answer when nothing was seen', () => {
    const { result } = fixture();
    for (const run of result.strategies) run.snapshots = [];
    expect(headline(result, []).lead).toBe('No process was seen in any snapshot.');
  });
});

describe('html', () => {
  it('escapes everything but markup', () => {
    expect(html`<p title="${'"'}">${'<b>'}${raw('<i>')}${[html`${1}`, '&']}${null}</p>`.markup).toBe(
      '<p title="&#34;">&#60;b&#62;<i>1&#38;</p>',
    );
  });
});
