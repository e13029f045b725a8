import { parseMeminfo, parseNodeMeminfo } from '../procfs/meminfo.ts';
import {
  numastatPlainOf,
  parseNumastatPlain,
  renderNumastatPlain,
  type NumastatPlain,
} from '../procfs/numastat-plain.ts';
import { parseNodeNumastat } from '../procfs/node-numastat.ts';
import { parseNumaMaps, type NumaMapsVma } from '../procfs/numa-maps.ts';
import {
  fixed2,
  parseNumastatTables,
  renderNumastatTable,
  type NumastatTable,
} from '../procfs/numastat-table.ts';
import { numastatMeminfo, numastatNodes, numastatProcesses } from '../procfs/numastat-tool.ts';
import { parseStatus } from '../procfs/status.ts';
import { nodesIn, processDir, workersIn, type SnapshotFiles } from './capture.ts';
import { isMappedByStep, type WorkerMappings } from './mapped-ranges.ts';
import { noiseFor, type NoiseContext } from './noise.ts';
import type { Tally } from './tally.ts';

/** Half a unit of the last printed decimal on either side. */
const ROUNDING_MB = 0.011;

/**
 * Compares what the real numastat printed with what our account of the tool makes of the same kernel's files, and its
 * process tables, own mappings taken away, with those of the model.
 */
export function compareNumastat(
  tally: Tally,
  kernel: { files: SnapshotFiles; mappings: ReadonlyMap<string, WorkerMappings> },
  model: SnapshotFiles,
  context: NoiseContext,
  goTo: (where: string) => void,
): void {
  const { files, mappings } = kernel;
  const nids = nodesIn(files);
  const nodes = files.get('numastat/n');
  if (nodes !== undefined) {
    goTo('numastat/n');
    const made = numastatNodes(
      nids.map((nid) => ({ nid, events: parseNodeNumastat(files.get(`node${nid}/numastat`) ?? '') })),
    );
    compareTables(tally, parseNumastatTables(nodes)[0], made, context);
  }
  const plain = files.get('numastat/plain');
  if (plain !== undefined) {
    goTo('numastat/plain');
    const made = numastatPlainOf(
      nids.map((nid) => ({ nid, events: parseNodeNumastat(files.get(`node${nid}/numastat`) ?? '') })),
    );
    comparePlain(tally, parseNumastatPlain(plain), made, context);
  }
  for (const worker of workersIn(files)) {
    const printed = files.get(`numastat/p.${worker}`);
    if (printed !== undefined && files.get(`${processDir(worker)}/numa_maps`) !== '') {
      goTo(`numastat/p.${worker}`);
      // Where huge pages were put together meanwhile the tool has read another numa_maps.
      if (context.collapsed === 0) {
        tally.text({
          fieldClass: 'numastat',
          field: 'the whole text',
          kernel: printed,
          model: processText(files, worker, nids),
        });
      }
      compareProcess(tally, printed, { files, model, worker, mappings: mappings.get(worker), nids, context });
    }
    const both = files.get(`numastat/mp.${worker}`);
    const table = both === undefined ? undefined : parseNumastatTables(both).at(-1);
    if (table) {
      goTo(`numastat/mp.${worker}`);
      compareTables(tally, table, systemTable(files, nids, table), context);
    }
  }
}

function linesOf(files: SnapshotFiles, worker: string): NumaMapsVma[] {
  return parseNumaMaps(files.get(`${processDir(worker)}/numa_maps`) ?? '');
}

/** Our account of `numastat -p` on the worker. */
function processText(files: SnapshotFiles, worker: string, nids: readonly number[]): string {
  const status = parseStatus(files.get(`${processDir(worker)}/status`) ?? '');
  const process = {
    pid: Number(status.get('Pid')),
    comm: status.get('Name') ?? '',
    vmas: linesOf(files, worker),
  };
  const table = numastatProcesses([process], nids);
  return table ? renderNumastatTable(table) : '';
}

/** The older numastat complains about tokens that it does not know; the newer knows all. */
function systemTable(files: SnapshotFiles, nids: readonly number[], printed: NumastatTable): NumastatTable {
  const hugepageKb = parseMeminfo(files.get('sys/meminfo') ?? '').get('Hugepagesize') ?? 0;
  return numastatMeminfo(
    nids.map((nid) => parseNodeMeminfo(files.get(`node${nid}/meminfo`) ?? '')),
    hugepageKb,
    printed.unknownTokens.length > 0 ? '2.0.16' : '2.0.19',
  );
}

/** What may differ between the files of a snapshot and a tool that reads them a moment later. */
const laterContext = (context: NoiseContext): NoiseContext => ({
  ...context,
  interleaves: false,
  waitingPages: 0,
  knowsPageLists: false,
});

/** Cells as printed; rows that move while the tool runs may differ by what the noise class allows. */
function compareTables(
  tally: Tally,
  printed: NumastatTable | undefined,
  made: NumastatTable,
  context: NoiseContext,
): void {
  const head = (table: NumastatTable | undefined): string | null =>
    table ? renderNumastatTable({ ...table, rows: [], total: null }) : null;
  tally.text({ fieldClass: 'numastat', field: 'headings', kernel: head(printed), model: head(made) });
  const rows = new Map(made.rows.map((row) => [row.label, row.values]));
  for (const { label, values } of printed?.rows ?? []) {
    const ours = rows.get(label);
    values.forEach((value, at) => {
      const other = ours?.[at];
      const { bound, ids } = noiseFor('numastat', label, laterContext(context));
      const words = (mb: number | undefined): string | null =>
        mb === undefined ? null : `${label} ${fixed2(mb)} MB (${printed?.columns[at]})`;
      const compared = {
        fieldClass: 'numastat' as const,
        field: `${label} ${printed?.columns[at] ?? ''}`,
        name: label,
        isIdle: Math.abs(value) <= bound,
        kernel: words(value),
        model: words(other),
      };
      if (other === undefined) tally.add(compared, 'off');
      else if (fixed2(value) === fixed2(other)) tally.add(compared, 'exact');
      else tally.add(compared, Math.abs(value - other) <= bound ? ids : 'off');
    });
  }
}

/** The same for the table without options, which is in pages. */
function comparePlain(
  tally: Tally,
  printed: NumastatPlain,
  made: NumastatPlain,
  context: NoiseContext,
): void {
  const heads = (table: NumastatPlain): string => renderNumastatPlain({ ...table, rows: [] });
  tally.text({ fieldClass: 'numastat', field: 'headings', kernel: heads(printed), model: heads(made) });
  for (const { name, pages } of printed.rows) {
    const ours = made.rows.find((row) => row.name === name)?.pages;
    const { bound, ids } = noiseFor('numastat', name, laterContext(context));
    pages.forEach((value, at) => {
      const other = ours?.[at];
      const words = (count: number): string => `${name} ${count} (node ${printed.nids[at]})`;
      tally.add(
        {
          fieldClass: 'numastat',
          field: `${name} node ${printed.nids[at]}`,
          name,
          isIdle: value <= bound,
          kernel: words(value),
          model: other === undefined ? null : words(other),
        },
        value === other ? 'exact' : other !== undefined && Math.abs(value - other) <= bound ? ids : 'off',
      );
    });
  }
}

interface ProcessTables {
  files: SnapshotFiles;
  model: SnapshotFiles;
  worker: string;
  mappings: WorkerMappings | undefined;
  nids: readonly number[];
  context: NoiseContext;
}

/** Rows of a process table that steps can fill: heap and stack are always the program's own. */
const STEP_ROWS = ['Huge', 'Private'];

function compareProcess(tally: Tally, printed: string, tables: ProcessTables): void {
  const { files, model, worker, mappings, nids, context } = tables;
  const ofSteps = (side: SnapshotFiles, isOurs: boolean): NumastatTable | null =>
    numastatProcesses(
      [
        {
          pid: 0,
          comm: '',
          vmas: linesOf(side, worker).filter(
            ({ start }) => isMappedByStep(mappings, { start, end: start + 1 }) === isOurs,
          ),
        },
      ],
      nids,
    );
  const own = ofSteps(files, false);
  const made = model.has(`${processDir(worker)}/numa_maps`) ? ofSteps(model, true) : null;
  for (const row of parseNumastatTables(printed)[0]?.rows ?? []) {
    if (!STEP_ROWS.includes(row.label)) continue;
    const ownRow = own?.rows.find(({ label }) => label === row.label);
    const madeRow = made?.rows.find(({ label }) => label === row.label);
    row.values.forEach((value, at) => {
      const expected = value - (ownRow?.values[at] ?? 0);
      const given = madeRow?.values[at];
      const column = nids[at] === undefined ? 'Total' : `Node ${nids[at]}`;
      // Interleaving and full nodes change the split, never the sum.
      const isTotal = column === 'Total';
      const { bound, ids } = noiseFor('numastat', isTotal ? `${row.label} in total` : row.label, context);
      const words = (mb: number | undefined): string | null =>
        mb === undefined ? null : `${row.label} ${fixed2(mb)} MB (${column}) without own mappings`;
      const compared = {
        fieldClass: 'numastat' as const,
        field: `${row.label} ${column}`,
        name: `${row.label} of a process`,
        isIdle: Math.abs(expected) <= bound + ROUNDING_MB,
        kernel: words(expected),
        model: words(given),
      };
      if (given === undefined) {
        tally.add(compared, 'off');
        return;
      }
      const difference = Math.abs(expected - given);
      if (fixed2(expected) === fixed2(given)) tally.add(compared, 'exact');
      else if (difference <= ROUNDING_MB) tally.add(compared, ['rounding']);
      else tally.add(compared, difference <= bound + ROUNDING_MB && ids.length > 0 ? ids : 'off');
    });
  }
}
