import type { ConsequenceReport, StrategyConsequences } from '../analysis/consequence-report.ts';
import { COST_TABLE } from '../analysis/cost-table.ts';
import type { Death } from '../analysis/deaths.ts';
import { HAZARD_TITLES } from '../analysis/hazards.ts';
import { agrees } from '../analysis/judge.ts';
import { isBeside, whyNot, type MoverStep } from '../analysis/mover-steps.ts';
import type { LimitRow, PayerRow } from '../analysis/payers.ts';
import type { PlacementRow } from '../analysis/placement-losses.ts';
import type { PoolRow } from '../analysis/pool-rows.ts';
import type { RequirementVerdict } from '../analysis/requirement-types.ts';
import type { Subject } from '../analysis/subject.ts';
import { TOOL_FORMULAS } from '../analysis/tool-formulas.ts';
import type { ToolRow } from '../analysis/tool-rows.ts';
import { errorText, sizeText } from '../charts/size-text.ts';
import type { MoverName } from '../result/types.ts';
import type { ReportCell, ReportTable } from './html-table.ts';
import { evidenceText, figureText, VERDICT_SIGNS } from './verdict-words.ts';

const unique = (names: readonly string[]): string[] => [...new Set(names)];

const TONES: Readonly<Record<RequirementVerdict, 'good' | 'mixed' | 'bad' | undefined>> = {
  met: 'good',
  partly: 'mixed',
  'not met': 'bad',
  'not tried': undefined,
};

/** Anchor of a step on a page. */
export const stepId = (step: number): string => `step-${step}`;

/** Requirements by strategies. */
export function scorecardTable({ scorecard, strategies }: ConsequenceReport): ReportTable {
  return {
    title: 'Scorecard',
    header: ['Requirement', ...strategies.map(({ strategy, label }) => `${strategy} (${label})`)],
    rows: scorecard.map(({ title, demand, cells }) => [
      { text: title, note: demand },
      ...cells.map(({ verdict, figure, evidence }): ReportCell => ({
        text: `${VERDICT_SIGNS[verdict].page} ${verdict}`,
        note: figure ? figureText(figure) : undefined,
        tone: TONES[verdict],
        link: evidence ? { to: stepId(evidence.step), text: evidenceText(evidence) } : undefined,
      })),
    ]),
  };
}

/** User by payer at the moment that pictures show: a table for all strategies that agree. */
export function payerTables({ strategies }: ConsequenceReport, subject: Subject): ReportTable[] {
  const groups = new Map<string, { names: string[]; rows: ReportTable['rows']; header: string[] }>();
  for (const { strategy, payers } of strategies) {
    const cells = payers.filter(({ step }) => step === subject.step);
    if (cells.length === 0) continue;
    const header = [
      'Serves',
      ...unique(cells.map(({ payer }) => payer)).map((payer) => `charged to ${payer}`),
    ];
    const rows = unique(cells.map(({ user }) => user)).map((user) => [
      user,
      ...unique(cells.map(({ payer }) => payer)).map((payer) =>
        payerCell(cells.find((cell) => cell.user === user && cell.payer === payer)),
      ),
    ]);
    const key = JSON.stringify([header, rows]);
    const group = groups.get(key) ?? { names: [], rows, header };
    group.names.push(strategy);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ names, rows, header }) => ({ title: names.join(', '), header, rows }));
}

function payerCell(cell: PayerRow | undefined): ReportCell {
  if (!cell) return '–';
  return {
    text: sizeText(cell.kb),
    note: cell.privateKb > 0 ? `${sizeText(cell.privateKb)} private` : undefined,
    tone: cell.user === 'nobody' ? undefined : cell.isOwn ? 'good' : 'bad',
  };
}

/** Limits at the moment at which most escapes them, by strategy. */
export function limitTable({ strategies }: ConsequenceReport): ReportTable | null {
  const keyOf = ({ cgroup, limit }: LimitRow): string => `${limit} of ${cgroup}`;
  const names = unique(strategies.flatMap(({ limits }) => limits.map(keyOf)));
  if (names.length === 0) return null;
  return {
    title: 'What escapes memory.max and memory.high, when most does',
    header: ['Limit', ...strategies.map(({ strategy }) => strategy)],
    rows: names.map((name) => [
      name,
      ...strategies.map(({ limits }) => limitCell(limits.filter((row) => keyOf(row) === name))),
    ]),
  };
}

function limitCell(rows: StrategyConsequences['limits']): ReportCell {
  const [first, ...rest] = rows;
  if (!first) return '–';
  const worst = rest.reduce((most, row) => (row.escapesKb >= most.escapesKb ? row : most), first);
  const { escapesKb, usedKb, limitKb, foreignKb, snapshot, step } = worst;
  const foreign = foreignKb > 0 ? [`${sizeText(foreignKb)} counted for others`] : [];
  return {
    text: escapesKb === 0 ? 'nothing' : sizeText(escapesKb),
    note: [`of ${sizeText(usedKb)} used`, `limit ${sizeText(limitKb)}`, ...foreign].join('; '),
    tone: escapesKb > 0 ? 'bad' : foreignKb > 0 ? 'mixed' : 'good',
    link: { to: stepId(step), text: `step ${step}, snapshot ${snapshot}` },
  };
}

/** Who died, who would die now, who uses most. */
export function deathTable({ strategies }: ConsequenceReport, subject: Subject): ReportTable {
  return {
    title: 'Who dies',
    header: ['Strategy', 'Killed in this run', 'Would be killed now', 'Uses most now'],
    rows: strategies.map(({ strategy, deaths, nextVictims }) => {
      const now = nextVictims.find(({ step }) => step === subject.step);
      return [
        strategy,
        {
          text: deaths.length === 0 ? 'nobody' : deaths.map(deathText).join('; '),
          tone: deaths.some(({ isBystander }) => isBystander) ? 'bad' : undefined,
        },
        { text: now?.victim ?? 'unknown', tone: now?.isBystander ? 'bad' : undefined },
        now?.largest ?? 'nobody',
      ];
    }),
  };
}

/** One death in words. */
export function deathText({ victim, victimKb, limit, largest, largestKb, isBystander, step }: Death): string {
  const why = limit === null ? 'the machine ran out' : `${limit} was at its limit`;
  const whom = isBystander ? `${largest} used most, ${sizeText(largestKb)}` : 'it used most';
  return `${victim} (${sizeText(victimKb)}) at step ${step}: ${why}; ${whom}`;
}

/** Private memory by file: how much lies off policy, and where. */
export function placementTable({ strategies }: ConsequenceReport, subject: Subject): ReportTable | null {
  const at = strategies.map(({ placements }) => placements.filter(({ step }) => step === subject.step));
  const objects = unique(at.flat().map(({ object }) => object));
  if (objects.length === 0) return null;
  return {
    title: 'Off policy, by backend',
    header: ['File', ...strategies.map(({ strategy }) => strategy)],
    rows: objects.map((object) => [
      object,
      ...at.map((rows) => placementCell(rows.find((row) => row.object === object))),
    ]),
  };
}

function placementCell(row: PlacementRow | undefined): ReportCell {
  if (!row) return '–';
  const { kb, offPolicyKb, offPolicyNodesKb } = row;
  const where = offPolicyNodesKb.flatMap((size, nid) => (size > 0 ? [`${sizeText(size)} on N${nid}`] : []));
  const isRight = offPolicyKb !== null && agrees(kb - offPolicyKb, kb);
  const text = isRight ? 'on policy' : `${sizeText(offPolicyKb ?? 0)} off policy`;
  return {
    text: offPolicyKb === null ? 'no wish stated' : text,
    note: [`of ${sizeText(kb)}`, ...where].join('; '),
    tone: offPolicyKb === null ? undefined : isRight ? 'good' : 'bad',
  };
}

/** Steps that had mm move pages, and what became of private memory under each design; movers that the script calls nowhere stand there as such. */
export function moverTable({ strategies }: ConsequenceReport): ReportTable | null {
  const steps = new Map(strategies.flatMap(({ movers }) => movers.map((one) => [one.step, one] as const)));
  if (steps.size === 0) return null;
  const called = [...steps.values()].sort((a, b) => a.step - b.step);
  const missing = USUAL_MOVERS.filter((name) => called.every(({ mover }) => mover !== name));
  return {
    title: 'What movers did with private memory',
    header: ['Mover', ...strategies.map(({ strategy }) => strategy)],
    rows: [
      ...called.map(({ step, mover, text }) => [
        { text: mover, note: text },
        ...strategies.map(({ movers }) => moverCell(movers.find((one) => one.step === step))),
      ]),
      ...missing.map((name) => [name, ...strategies.map(() => 'not tried')]),
    ],
  };
}

/** Movers that people who run hosts count on. */
const USUAL_MOVERS: readonly MoverName[] = ['NUMA balancing', 'migratepages', 'compaction', 'offlining'];

function moverCell(tried: MoverStep | undefined): ReportCell {
  if (!tried) return '–';
  const { step, line, wantedKb, movedKb, gainedHugeBlocks, offlinedBlocks, rehomedKb } = tried;
  const isAll = agrees(movedKb, wantedKb);
  const text =
    movedKb === 0 ? `nothing of ${sizeText(wantedKb)}` : `${sizeText(movedKb)} of ${sizeText(wantedKb)}`;
  const gains = [
    ...(gainedHugeBlocks > 0 ? [`${gainedHugeBlocks} more free blocks of 2 MiB`] : []),
    ...(offlinedBlocks > 0 ? [`${offlinedBlocks} ${offlinedBlocks === 1 ? 'block' : 'blocks'} offline`] : []),
    ...(rehomedKb > 0 ? [`${sizeText(rehomedKb)} came on policy`] : []),
    ...(rehomedKb < 0 ? [`${sizeText(-rehomedKb)} went off policy`] : []),
  ];
  const reason = whyNot(tried).replace(/^, /, '');
  const words = [...(reason === '' ? [] : [reason]), ...gains];
  return {
    text: wantedKb === 0 ? 'none to move' : isAll ? `all of ${sizeText(wantedKb)}` : text,
    note: words.length > 0 ? words.join('; ') : undefined,
    tone: wantedKb === 0 || isBeside(tried) ? undefined : isAll ? 'good' : movedKb > 0 ? 'mixed' : 'bad',
    link: { to: stepId(step), text: evidenceText({ step, line, snapshot: null }) },
  };
}

/** Memory that conversions left in both pools, by file, over the whole run. */
export function poolTable({ strategies }: ConsequenceReport): ReportTable | null {
  const objects = unique(strategies.flatMap(({ pools }) => pools.map(({ object }) => object)));
  if (objects.length === 0) return null;
  return {
    title: 'Memory in both pools',
    header: ['File', ...strategies.map(({ strategy }) => strategy)],
    rows: objects.map((object) => [
      object,
      ...strategies.map(({ pools }) => poolCell(pools.find((row) => row.object === object))),
    ]),
  };
}

function poolCell(row: PoolRow | undefined): ReportCell {
  if (!row) return { text: 'none', tone: 'good' };
  const { peakKb, leftKb, steps, kbSteps, step, line } = row;
  const left = leftKb > 0 ? [`${sizeText(leftKb)} at the end`] : [];
  return {
    text: `at most ${sizeText(peakKb)}`,
    note: [
      `after ${steps} ${steps === 1 ? 'step' : 'steps'}, ${sizeText(kbSteps)} added up over them`,
      ...left,
    ].join('; '),
    tone: leftKb > 0 ? 'bad' : 'mixed',
    link: { to: stepId(step), text: evidenceText({ step, line, snapshot: null }) },
  };
}

/** What private memory and the designs keep at that moment, counts first. */
export function metadataTable({ strategies }: ConsequenceReport, subject: Subject): ReportTable | null {
  const at = strategies.map(({ structures }) => structures.filter(({ step }) => step === subject.step));
  const names = ordered(
    at.flat().map(({ structure }) => structure),
    COST_TABLE.structures.map(({ id }) => id),
  );
  if (names.length === 0) return null;
  return {
    title: 'What it takes in memory',
    header: ['Structure', ...strategies.map(({ strategy }) => strategy)],
    rows: names.map((name) => [
      COST_TABLE.structures.find(({ id }) => id === name)?.title ?? name,
      ...at.map((rows): ReportCell => {
        const row = rows.find(({ structure }) => structure === name);
        if (!row) return '–';
        return {
          text: row.count.toLocaleString('en'),
          note: row.bytes === null ? undefined : `${row.bytes.toLocaleString('en')} bytes`,
          tone: row.by === 'design' ? 'mixed' : undefined,
        };
      }),
    ]),
  };
}

/** What was done for private memory in the whole run, and the locks that took. */
export function operationTable({ strategies }: ConsequenceReport): ReportTable | null {
  const names = ordered(
    strategies.flatMap(({ operations }) => operations.map(({ operation }) => operation)),
    COST_TABLE.operations.map(({ name }) => name),
  );
  if (names.length === 0) return null;
  return {
    title: 'What it takes in operations',
    header: ['Operation', ...strategies.map(({ strategy }) => strategy)],
    rows: names.map((name) => [
      name,
      ...strategies.map(({ operations }): ReportCell => {
        const row = operations.find(({ operation }) => operation === name);
        if (!row) return '–';
        const locks = row.locks
          .filter(({ lock }) => lock !== name)
          .map(({ lock, count }) => `${count.toLocaleString('en')} × ${lock}`);
        const time = row.ns === null ? [] : [`${(row.ns / 1e9).toPrecision(3)} s as measured`];
        return {
          text: row.count.toLocaleString('en'),
          note: [...locks, ...time].join('; ') || undefined,
          tone: row.by === 'design' ? 'mixed' : undefined,
        };
      }),
    ]),
  };
}

/** Sizes and times that these tables rest on, with their sources. */
export function priceTable(): ReportTable {
  const { structures, operations } = COST_TABLE;
  return {
    title: 'Prices and their sources',
    header: ['What', 'Price', 'Source'],
    rows: [
      ...structures.map(({ title, bytes, bytesByKernel = {}, source }) => {
        const others = Object.entries(bytesByKernel).map(([kernel, size]) => `${size} on ${kernel}`);
        return [title, [`${bytes} bytes`, ...others].join(', '), source];
      }),
      ...operations.map(({ name, locks, ns, measured, source }) => [
        name,
        [
          ...locks.map(({ lock, every }) => (every === 1 ? lock : `${lock} for every ${every}`)),
          ...(ns === undefined ? [] : [`${ns} ns`]),
        ].join('; ') || 'counted only',
        measured === undefined ? source : `${source}; ${measured}`,
      ]),
    ],
  };
}

/** Names that occur, those of a list first and in its order. */
const ordered = (names: readonly string[], known: readonly string[]): string[] =>
  unique([...known.filter((name) => names.includes(name)), ...names]);

/** What tools say at that moment about the process, its cgroup and the machine. */
export function toolTable({ strategies }: ConsequenceReport, subject: Subject): ReportTable {
  const names = { process: subject.worker, cgroup: subject.cgroup, machine: 'machine' } as const;
  const rowsOf = ({ tools }: StrategyConsequences, id: string, name: string): ToolRow | undefined =>
    tools.find(
      (row) => row.step === subject.step && row.tool === id && row.subject === name && row.node === null,
    );
  const spoken = TOOL_FORMULAS.filter(({ id, scope }) =>
    strategies.some((one) => rowsOf(one, id, names[scope])),
  );
  return {
    title: 'What tools make people believe',
    header: ['Number', ...strategies.map(({ strategy }) => strategy)],
    rows: spoken.map(({ id, title, scope, claims }) => [
      { text: title, note: `taken for: ${claims}` },
      ...strategies.map((one): ReportCell => {
        const row = rowsOf(one, id, names[scope]);
        if (!row) return 'no answer';
        const isRight = agrees(row.kb, row.truthKb);
        return {
          text: sizeText(row.kb),
          note: isRight ? undefined : errorText(row.errorKb),
          tone: isRight ? 'good' : 'bad',
        };
      }),
    ]),
  };
}

/** How each number is made. */
export function formulaTable(): ReportTable {
  return {
    title: 'Formulas and their sources',
    header: ['Number', 'Formula', 'Source'],
    rows: TOOL_FORMULAS.map(({ title, formula, source }) => [title, formula, source]),
  };
}

/** Every hazard, with the steps that lead to it. */
export function hazardTable({ strategies }: ConsequenceReport): ReportTable | null {
  const rows = strategies.flatMap(({ strategy, hazards }) =>
    hazards.map(({ kind, message, step, line, chain }): readonly ReportCell[] => [
      strategy,
      HAZARD_TITLES[kind],
      {
        text: message,
        note:
          chain.length > 0
            ? chain.map((link) => `step ${link.step}: ${link.message}`).join(' → ')
            : undefined,
        link: { to: stepId(step), text: evidenceText({ step, line, snapshot: null }) },
      },
    ]),
  );
  return rows.length === 0 ? null : { title: 'Hazards', header: ['Strategy', 'Kind', 'What happened'], rows };
}
