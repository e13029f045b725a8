import { describe, expect, it } from 'vitest';
import { attribution } from '../../src/analysis/attribution.ts';
import { consequenceReport } from '../../src/analysis/consequence-report.ts';
import { mainSubject } from '../../src/analysis/subject.ts';
import { compareStrategies } from '../../src/report/comparison.ts';
import { consequenceSections } from '../../src/report/consequence-sections.ts';
import {
  deathTable,
  limitTable,
  moverTable,
  payerTables,
  placementTable,
} from '../../src/report/consequence-tables.ts';
import { consequencesMd } from '../../src/report/consequences-md.ts';
import { payersCsv } from '../../src/report/csv.ts';
import { formatComparison } from '../../src/report/format-comparison.ts';
import { scorecardText } from '../../src/report/scorecard-text.ts';
import { figureText } from '../../src/report/verdict-words.ts';
import type { RunResult, Snapshot } from '../../src/result/types.ts';
import { sampleProcess, sampleVma } from '../procfs/sample-facts.ts';
import { sampleMover, sampleResult, sampleRun, sampleWorld } from '../analysis/fixture.ts';
import { sampleStep } from '../analysis/played.ts';

const steps = [
  sampleStep(1, 'vmm: gmem create private 2M'),
  sampleStep(2, 'vmm: gmem policy private 0 2M bind 1', { ret: -1, errno: 'ENODEV' }),
  sampleStep(3, 'vmm: fork helper'),
  sampleStep(5, 'compact', { message: 'gains nothing' }),
  sampleStep(6, 'vmm: vm convert 0 1M shared'),
  sampleStep(7, 'snapshot booted'),
];

/** The sample world, with the books of its background in order. */
function world(): Snapshot {
  const snapshot = sampleWorld();
  snapshot.truth.holdings.at(-1)!.chargedPages = { '/': 1500 };
  const gmem = snapshot.truth.holdings[2]!;
  gmem.offPolicyNodePages = [100, 0];
  return snapshot;
}

/** The status quo, and a design with a VMA that shows all, a stale entry and a death. */
function result(): RunResult {
  const shown = world();
  const vma = sampleVma({ name: 'anon_inode:[kvm-gmem]', hasFile: true });
  shown.truth.structures = { 'struct-page': 400, 'host-table': 3, 'books of its own': 2 };
  shown.truth.holdings[2]!.offPolicyPages = 0;
  shown.truth.holdings[2]!.offPolicyNodePages = [0, 0];
  shown.truth.holdings[2]!.chargedPages = { '/a': 400 };
  shown.facts.processes[0] = sampleProcess({
    oomBadnessPages: 500,
    rssAnonPages: 10,
    rssFilePages: 402,
    vmas: [
      {
        ...vma,
        smaps: { ...vma.smaps, rss: 450 * 4096, pss: 450 * 2 ** 24, privateClean: 450 * 4096 },
        numa: { ...vma.numa, pages: 450, nodes: [131, 319] },
      },
    ],
  });
  return sampleResult([
    sampleRun({
      snapshots: [world()],
      steps,
      counts: { 'page cache insert': 400 },
      movers: [sampleMover(5, 'compaction', { passed: 400 })],
    }),
    sampleRun({
      name: 'shadow <vma>',
      label: 'hypothetical',
      snapshots: [shown],
      steps,
      movers: [
        sampleMover(5, 'compaction', { moved: 300 }, { gainedHugeBlocks: [0, 2], rehomedPages: -100 }),
      ],
      counts: {
        'mmap_lock for write': 1,
        'page cache insert': 400,
        'host page-table entry installed': 450,
      },
      findings: [
        {
          kind: 'hazard',
          id: 'stale-tdp-entry',
          message: 'the guest goes on using frame 7',
          step: 5,
          line: 15,
          chain: [
            { step: 3, line: 13, message: 'maps frame 7' },
            { step: 5, line: 15, message: 'moves it away' },
          ],
        },
      ],
      kills: [
        {
          step: 6,
          line: 16,
          worker: 'helper',
          cgroup: '/b',
          limit: null,
          used: [
            { worker: 'vmm', cgroup: '/a', pages: 450 },
            { worker: 'helper', cgroup: '/b', pages: 5 },
          ],
        },
      ],
    }),
  ]);
}

describe('the scorecard', () => {
  it('reads so in a terminal', async () => {
    const text = scorecardText(consequenceReport(result()).scorecard);
    await expect(text).toMatchFileSnapshot('goldens/scorecard.txt');
  });

  it('puts strategies together that did alike', () => {
    const twice = result();
    twice.strategies[1] = { ...twice.strategies[0]!, name: 'fbind' };
    const text = scorecardText(consequenceReport(twice).scorecard);
    expect(text).toContain(
      '  x not met   page-cache, fbind\n      192 kB of 1.8 MiB in VmRSS of vmm (step 7, line 17, snapshot booted)\n',
    );
  });

  it('stands below the comparison when it is asked for, and always in its JSON', () => {
    const comparison = compareStrategies(result(), attribution(result()));
    const plain = formatComparison(comparison, 'table');
    expect(formatComparison(comparison, 'table', { scorecard: true })).toBe(
      `${plain}\n${scorecardText(comparison.consequences.scorecard)}`,
    );
    expect(plain).not.toContain('Scorecard');
    expect(formatComparison(comparison, 'md', { scorecard: true })).toContain('\n## Scorecard\n');
    const parsed = JSON.parse(formatComparison(comparison, 'json')) as typeof comparison;
    expect(parsed.consequences.scorecard).toHaveLength(9);
    expect(parsed.consequences.strategies[0]!.payers).toHaveLength(4);
  });

  it.each([
    [{ value: 400, of: 1600, unit: 'kB', words: 'in VmRSS' } as const, '400 kB of 1.6 MiB in VmRSS'],
    [{ value: 0, of: null, unit: 'kB', words: 'left' } as const, '0 kB left'],
    [{ value: 2, of: null, unit: 'count', words: 'VMAs' } as const, '2 VMAs'],
    [
      { value: 1.5, of: null, unit: 'per page', words: 'operations per page' } as const,
      '1.5 operations per page',
    ],
  ])('says the figure %j', (figure, words) => {
    expect(figureText(figure)).toBe(words);
  });
});

describe('the consequences', () => {
  it('read so in summary.md', async () => {
    const text = consequencesMd(result(), consequenceReport(result()))
      .map(([title, body]) => `## ${title}\n\n${body}`)
      .join('\n');
    await expect(text).toMatchFileSnapshot('goldens/consequences.md');
  });

  it('stand in the report, each link leading to a step in it', () => {
    const sections = consequenceSections(result(), consequenceReport(result()));
    expect(sections.map(({ id }) => id)).toEqual([
      'scorecard',
      'payers',
      'deaths',
      'placement',
      'costs',
      'tools',
      'hazards',
      'evidence',
    ]);
    const page = sections.map(({ body }) => body.markup).join('');
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(targets.length).toBeGreaterThan(10);
    expect(targets.filter((id) => !ids.includes(id))).toEqual([]);
    expect(page).toContain('shadow &#60;vma&#62;');
    expect(page).not.toContain('<vma>');
    expect(page).toContain('step 3: maps frame 7 → step 5: moves it away');
    expect(page).toContain('went off policy');
  });

  it('have a word for every colour', () => {
    const [scorecard] = consequenceSections(result(), consequenceReport(result()));
    for (const [, tone, text] of scorecard!.body.markup.matchAll(/<td class="(\w+)">([^<]*)/g)) {
      expect(text).toBe({ good: '✓ met', mixed: '± partly', bad: '✗ not met' }[tone!]);
    }
  });

  it('leave out what nobody asked for', () => {
    const bare = sampleResult([sampleRun({ snapshots: [] })]);
    expect(consequenceSections(bare, consequenceReport(bare)).map(({ id }) => id)).toEqual(['scorecard']);
    expect(consequencesMd(bare, consequenceReport(bare)).map(([title]) => title)).toEqual(['Scorecard']);
  });
});

describe('tables of consequences', () => {
  const report = consequenceReport(result());
  const subject = mainSubject(result())!;

  it('have a matrix for all strategies that agree', () => {
    expect(payerTables(report, subject).map(({ title, header }) => [title, header])).toEqual([
      ['page-cache', ['Serves', 'charged to /a', 'charged to /b', 'charged to /']],
      ['shadow <vma>', ['Serves', 'charged to /a', 'charged to /b', 'charged to /']],
    ]);
    const twice = result();
    twice.strategies[1] = { ...twice.strategies[0]!, name: 'fbind' };
    expect(payerTables(consequenceReport(twice), subject).map(({ title }) => title)).toEqual([
      'page-cache, fbind',
    ]);
  });

  it('show limits, deaths and placement side by side', () => {
    expect(limitTable(report)?.rows).toEqual([
      [
        'memory.max of /a',
        expect.objectContaining({
          text: '600 kB',
          tone: 'bad',
          note: 'of 1.8 MiB used; limit 1.7 MiB',
        }) as unknown,
        expect.objectContaining({ text: 'nothing', tone: 'good' }) as unknown,
      ],
    ]);
    expect(deathTable(report, subject).rows).toEqual([
      ['page-cache', { text: 'nobody', tone: undefined }, { text: 'helper', tone: 'bad' }, 'vmm'],
      [
        'shadow <vma>',
        { text: 'helper (20 kB) at step 6: the machine ran out; vmm used most, 1.8 MiB', tone: 'bad' },
        { text: 'vmm', tone: undefined },
        'vmm',
      ],
    ]);
    expect(placementTable(report, subject)?.rows[0]).toEqual([
      'private',
      { text: '400 kB off policy', note: 'of 1.6 MiB; 400 kB on N0', tone: 'bad' },
      { text: 'on policy', note: 'of 1.6 MiB', tone: 'good' },
    ]);
  });
});

describe('the table of movers', () => {
  it('has a row per step, and one for each usual mover that was not called', () => {
    const [compaction, ...others] = moverTable(consequenceReport(result()))!.rows;
    const link = { to: 'step-5', text: 'step 5, line 15' };
    expect(compaction).toEqual([
      { text: 'compaction', note: 'compact' },
      { text: 'nothing of 1.6 MiB', note: 'passed over', tone: 'bad', link },
      {
        text: 'all of 1.2 MiB',
        note: '2 more free blocks of 2 MiB; 400 kB went off policy',
        tone: 'good',
        link,
      },
    ]);
    expect(others).toEqual(
      ['NUMA balancing', 'migratepages', 'offlining'].map((name) => [name, 'not tried', 'not tried']),
    );
  });

  it('is not there where no mover met private memory', () => {
    expect(moverTable(consequenceReport(sampleResult([sampleRun({ snapshots: [] })])))).toBeNull();
  });
});

describe('payers.csv', () => {
  it('has a line per snapshot, user and payer, and one per strategy that stopped', () => {
    const stopped = result();
    stopped.strategies[1]!.snapshots = [];
    stopped.strategies[1]!.error = { step: 2, line: 12, message: 'no', part: 'shadow-vma' };
    expect(payersCsv(stopped)).toBe(
      [
        'strategy,snapshot,step,user,payer,kb,private_kb,label,note',
        'page-cache,booted,7,/a,/a,1200,1000,derived,',
        'page-cache,booted,7,/a,/b,600,600,derived,',
        'page-cache,booted,7,/b,/b,20,0,derived,',
        'page-cache,booted,7,nobody,/,6000,0,derived,',
        'shadow <vma>,,2,error,,,,hypothetical,"step 2, line 12: no"',
        '',
      ].join('\n'),
    );
  });
});
