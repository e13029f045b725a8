import { describe, expect, it } from 'vitest';
import { parseFdinfo } from '../../src/procfs/fdinfo.ts';
import { parseMemoryStat } from '../../src/procfs/memory-stat.ts';
import { parseNumaMaps } from '../../src/procfs/numa-maps.ts';
import { parseNumastatTables } from '../../src/procfs/numastat-table.ts';
import { parseSmaps } from '../../src/procfs/smaps.ts';
import { parseStatus, statusKb } from '../../src/procfs/status.ts';
import { parseTop } from '../../src/procfs/top.ts';
import { renderTree } from '../../src/procfs/tree.ts';
import type { RunResult, Snapshot, StrategyRun } from '../../src/result/types.ts';
import { GiB, MiB, PRESETS } from './lab.ts';
import { ownScenario, runOf, runUnder, snapshotOf } from './scenario-file.ts';

const results = new Map<string, RunResult>();
for (const id of ['talk-snp-10g', 'talk-snp-40g', 'talk-numa-backends', 'conversion']) {
  results.set(id, runUnder(await ownScenario(id)));
}

/** One snapshot of one strategy's run of a scenario, read as the kernel prints it. */
class Reading {
  readonly run: StrategyRun;
  readonly snapshot: Snapshot;
  readonly #files: Map<string, string>;
  readonly #pid: number;

  constructor(id: string, strategy: string, label: string) {
    this.run = runOf(results.get(id)!, strategy);
    this.snapshot = snapshotOf(this.run, label);
    this.#files = renderTree(this.snapshot.facts);
    this.#pid = this.snapshot.facts.processes[0]!.pid;
  }

  file(path: string): string {
    const text = this.#files.get(path);
    if (text === undefined) throw new Error(`no file ${path}`);
    return text;
  }

  ofProcess(name: string): string {
    return this.file(`proc/${this.#pid}/${name}`);
  }

  /** VmRSS in kB: RES of top. */
  get resKb(): number {
    return this.statusKb('VmRSS');
  }

  statusKb(name: string): number {
    return statusKb(parseStatus(this.ofProcess('status')), name)!;
  }

  top(): { virt: string; res: string; shr: string } {
    const { virt, res, shr } = parseTop(this.file('top.txt'))[0]!;
    return { virt, res, shr };
  }

  /** MiB of a row of the process table of numastat: nodes, then the total. */
  numastatProcess(): number[] {
    const tables = parseNumastatTables(this.file('numastat.txt'));
    return tables.find(({ title }) => title.startsWith('Per-node process memory usage'))!.total!;
  }

  /** MiB of a row of the node table of numastat. */
  numastatNodes(label: string): number[] {
    const tables = parseNumastatTables(this.file('numastat.txt'));
    const table = tables.find(({ title }) => title.startsWith('Per-node system memory usage'))!;
    return table.rows.find((row) => row.label === label)!.values;
  }

  /** Pages per node that numa_maps shows for private memory. */
  numaMapsPrivate(): number[] {
    const lines = parseNumaMaps(this.ofProcess('numa_maps')).filter(({ name }) => name.includes('kvm-gmem'));
    return [0, 1, 2, 3].map((nid) => lines.reduce((sum, { numa }) => sum + (numa.nodes[nid] ?? 0), 0));
  }

  /** What a key of fdinfo says, in kB, summed over all descriptors; null when none has it. */
  fdinfoKb(key: string): number | null {
    const texts = [...this.#files].filter(([path]) => path.startsWith(`proc/${this.#pid}/fdinfo/`));
    const values = texts.flatMap(([, text]) => parseFdinfo(text).get(key) ?? []);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + Number.parseInt(value, 10), 0);
  }

  /** Pages of page cache on each node. */
  get nodeFilePages(): number[] {
    return this.snapshot.facts.nodes.map(({ counters }) => counters['nr_file_pages'] ?? 0);
  }

  /** Pages per node of an object of the scenario, by the engine's own record. */
  pagesOf(object: string): number[] {
    return this.snapshot.truth.holdings.find((holding) => holding.object === object)!.nodePages;
  }
}

const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, at) => value - b[at]!);
const PAGE_KB = 4;

/** The slide's `grep memfd /proc/6195/numa_maps`. */
const SLIDE_NUMA_MAPS = String.raw`
7f291aa00000 interleave:2-3 file=/memfd:rom-backend-memfd-shared\040(deleted)
7f291ae00000 interleave:2-3 file=/memfd:rom-backend-memfd-shared\040(deleted) dirty=32 active=0 N2=16 N3=16 kernelpagesize_kB=4
7f291bc00000 interleave:2-3 file=/memfd:memory-backend-memfd-shared\040(deleted) anon=8 dirty=8 mapped=38 active=7 N2=21 N3=17 kernelpagesize_kB=4
7f2ba0200000 interleave:2-3 file=/memfd:rom-backend-memfd-shared\040(deleted) dirty=892 active=0 N2=446 N3=446 kernelpagesize_kB=4
`;

/** The slide's `grep memfd /proc/6195/smaps`, without the inode numbers. */
const SLIDE_SMAPS: readonly string[] = [
  '7f291aa00000-7f291aa20000 rw-s 0 00:01 /memfd:rom-backend-memfd-shared (deleted)',
  '7f291ae00000-7f291ae20000 rw-s 0 00:01 /memfd:rom-backend-memfd-shared (deleted)',
  '7f291bc00000-7f2b9bc00000 rw-p 0 00:01 /memfd:memory-backend-memfd-shared (deleted)',
  '7f2ba0200000-7f2ba057c000 rw-s 0 00:01 /memfd:rom-backend-memfd-shared (deleted)',
];

describe("the talk's 10 GiB guest, as Linux reports it", () => {
  const reading = new Reading('talk-snp-10g', 'page-cache', 'running');

  it('has the four memfd lines of the slide in numa_maps', () => {
    // How many pages are on the active list depends on when kswapd and the LRU batches ran.
    const tokens = (text: string): string[][] =>
      text
        .split('\n')
        .filter((line) => line.includes('memfd'))
        .map((line) => line.split(' ').filter((token) => !token.startsWith('active=')));
    expect(tokens(SLIDE_NUMA_MAPS)).toHaveLength(4);
    expect(tokens(reading.ofProcess('numa_maps'))).toEqual(tokens(SLIDE_NUMA_MAPS));
  });

  it('has no line for the private memory', () => {
    expect(reading.ofProcess('numa_maps')).not.toContain('gmem');
    expect(reading.ofProcess('smaps')).not.toContain('gmem');
    // Nor does it hide in another line: all lines together are RES.
    const lines = parseNumaMaps(reading.ofProcess('numa_maps'));
    expect(lines.reduce((sum, { numa }) => sum + numa.pages, 0) * PAGE_KB).toBe(85332);
    expect(reading.pagesOf('ram-private')).toEqual([0, 0, (5 * GiB) / 4096, (5 * GiB) / 4096]);
  });

  it("has top's VIRT, RES and SHR of the slide", () => {
    expect(reading.top()).toEqual({ virt: '10.4g', res: '85332', shr: '49308' });
  });

  it("has the slide's four memfd VMAs in smaps", () => {
    const headers = parseSmaps(reading.ofProcess('smaps'))
      .filter(({ name }) => name.includes('memfd'))
      .map(
        ({ start, end, perms, offset, dev, name }) =>
          `${start.toString(16)}-${end.toString(16)} ${perms} ${offset} ${dev} ${name}`,
      );
    expect(headers).toEqual(SLIDE_SMAPS);
  });
});

/** Pages of the 40 GiB, and of the firmware that is private, too, and measured at launch. */
const RAM = (40 * GiB) / 4096;
const FIRMWARE = 0x37c000 / 4096;

describe("the talk's 40 GiB guest", () => {
  const at = (strategy: string): Reading => new Reading('talk-snp-40g', strategy, 'running');
  const statusQuo = at('page-cache');
  const SLIDE_PROCESS: readonly number[] = [10.61, 6.72, 46.96, 25.5, 89.79];

  it.each(PRESETS)(
    "has the slide's FilePages under %s: what a node holds is no matter of design",
    (strategy) => {
      expect(at(strategy).numastatNodes('FilePages')).toEqual([2172.8, 3488.22, 21500.98, 22480.2, 49642.2]);
    },
  );

  it("has the slide's process in numastat -p and RES as Linux reports it", () => {
    expect(statusQuo.numastatProcess()).toEqual(SLIDE_PROCESS);
    expect((statusQuo.resKb / 1024).toFixed(2)).toBe('89.79');
    expect(statusQuo.numaMapsPrivate()).toEqual([0, 0, 0, 0]);
    expect(statusQuo.fdinfoKb('gmem_pages')).toBe(null);
    expect(statusQuo.pagesOf('ram-private')).toEqual([0, 0, RAM / 2, RAM / 2]);
  });

  it('shows its private memory in RES and on nodes 2 and 3 of numa_maps and numastat -p under shadow-vma', () => {
    const reading = at('shadow-vma');
    const each = (RAM + FIRMWARE) / 2;
    expect(reading.numaMapsPrivate()).toEqual([0, 0, each, each]);
    const mib = each / 256;
    minus(reading.numastatProcess(), SLIDE_PROCESS).forEach((more, node) => {
      expect(more).toBeCloseTo([0, 0, mib, mib, 2 * mib][node]!, 1);
    });
    expect(reading.resKb - statusQuo.resKb).toBe((RAM + FIRMWARE) * PAGE_KB);
    // The price: the same again as address space.
    expect(reading.statusKb('VmSize') - statusQuo.statusKb('VmSize')).toBe((RAM + FIRMWARE) * PAGE_KB);
  });

  it.each([
    // Firmware is measured at launch, and the guest has not touched it since: it is allocated but not mapped.
    ['tdp-fault', RAM],
    ['alloc-charge', RAM + FIRMWARE],
  ])('shows its private memory in RES alone under %s', (strategy, pages) => {
    const reading = at(strategy);
    expect(reading.resKb - statusQuo.resKb).toBe(pages * PAGE_KB);
    expect(reading.statusKb('RssFile') - statusQuo.statusKb('RssFile')).toBe(pages * PAGE_KB);
    expect(reading.top()).toEqual({ virt: '40.4g', res: '40.1g', shr: '40.1g' });
    expect(reading.numastatProcess()).toEqual(SLIDE_PROCESS);
    expect(reading.ofProcess('numa_maps')).toBe(statusQuo.ofProcess('numa_maps'));
    expect(reading.ofProcess('smaps')).toBe(statusQuo.ofProcess('smaps'));
  });

  it('shows its private memory in fdinfo, by node, under tracker', () => {
    const reading = at('tracker');
    const eachKb = ((RAM + FIRMWARE) / 2) * PAGE_KB;
    expect([0, 1, 2, 3].map((nid) => reading.fdinfoKb(`gmem_node${nid}`))).toEqual([0, 0, eachKb, eachKb]);
    expect(reading.fdinfoKb('gmem_pages')).toBe((RAM + FIRMWARE) * PAGE_KB);
    expect(reading.fdinfoKb('gmem_mapped')).toBe(RAM * PAGE_KB);
    expect(reading.numastatProcess()).toEqual(SLIDE_PROCESS);
    expect(reading.resKb).toBe(statusQuo.resKb);
  });

  it.each(['fbind', 'mempolicy-dup', 'upstream'])('stays unseen under %s, which only places', (strategy) => {
    const reading = at(strategy);
    expect(reading.numastatProcess()).toEqual(SLIDE_PROCESS);
    expect(reading.resKb).toBe(statusQuo.resKb);
    expect(reading.numaMapsPrivate()).toEqual([0, 0, 0, 0]);
    expect(reading.fdinfoKb('gmem_pages')).toBe(null);
  });
});

describe("the talk's two memory backends, wanted on nodes 0 and 1", () => {
  const FOLLOWS_THREADS: readonly string[] = ['page-cache', 'tdp-fault', 'alloc-charge', 'tracker'];
  const OBEYS: readonly string[] = ['fbind', 'mempolicy-dup', 'shadow-vma', 'upstream'];
  const POOL = (4 * GiB) / 4096;
  const at = (strategy: string, label: string): Reading => new Reading('talk-numa-backends', strategy, label);
  const wishes = ({ run }: Reading): string[] =>
    run.steps.filter(({ text }) => text.includes('gmem policy')).map(({ errno }) => errno);
  const offPolicy = ({ snapshot }: Reading): (number | null)[] =>
    snapshot.truth.holdings.filter(({ kind }) => kind === 'gmem').map(({ offPolicyPages }) => offPolicyPages);

  it('are all covered', () => {
    expect([...FOLLOWS_THREADS, ...OBEYS].sort()).toEqual([...PRESETS].sort());
  });

  it.each(FOLLOWS_THREADS)(
    'have their private pools on node 3, where the threads run, under %s',
    (strategy) => {
      const booted = at(strategy, 'booted');
      expect(wishes(booted)).toEqual(['ENODEV', 'ENODEV']);
      expect(booted.pagesOf('mem0-private')).toEqual([0, 0, 0, POOL]);
      expect(booted.pagesOf('mem1-private')).toEqual([0, 0, 0, POOL]);
      expect(offPolicy(booted)).toEqual([POOL, POOL]);
      expect(minus(booted.nodeFilePages, at(strategy, 'bound').nodeFilePages)).toEqual([0, 0, 0, 2 * POOL]);
    },
  );

  it.each(OBEYS)('have their private pools on nodes 0 and 1 under %s', (strategy) => {
    const booted = at(strategy, 'booted');
    expect(wishes(booted)).toEqual(['', '']);
    expect(booted.pagesOf('mem0-private')).toEqual([POOL, 0, 0, 0]);
    expect(booted.pagesOf('mem1-private')).toEqual([0, POOL, 0, 0]);
    expect(offPolicy(booted)).toEqual([0, 0]);
    expect(minus(booted.nodeFilePages, at(strategy, 'bound').nodeFilePages)).toEqual([POOL, POOL, 0, 0]);
  });

  it.each(PRESETS)('have shared pools that obey mbind under %s', (strategy) => {
    const control = at(strategy, 'shared-control');
    const pages = (64 * MiB) / 4096;
    expect(control.pagesOf('mem0')).toEqual([pages, 0, 0, 0]);
    expect(control.pagesOf('mem1')).toEqual([0, pages, 0, 0]);
    const lines = parseNumaMaps(control.ofProcess('numa_maps')).filter(({ name }) => name.includes('memfd'));
    expect(
      lines.map(({ policy, numa }) => `${policy} ${numa.nodes.findIndex((n) => n > 0)} ${numa.pages}`).sort(),
    ).toEqual([`bind:0 0 ${pages}`, `bind:1 1 ${pages}`]);
  });
});

describe('conversions of a 1 GiB guest', () => {
  const LABELS: readonly string[] = [
    'all-private',
    'attribute-only',
    'double-window',
    'shared',
    'half-back',
    'all-back',
  ];
  const ALL = GiB / 4096;
  /** Measured at launch: allocated, but the guest boots above it and never maps it. */
  const LAUNCHED = (2 * MiB) / 4096;
  /** Shared with the VMM, then half of it taken back, then the rest. */
  const BUFFER = (64 * MiB) / 4096;
  const HALF = BUFFER / 2;

  /** Pages of the private file. Attributes free nothing; the VMM's punch does. */
  const allocated: readonly number[] = [ALL, ALL, ALL, ALL - BUFFER, ALL - HALF, ALL];
  /** Pages of it that the guest's page table maps. A new attribute zaps them. */
  const mapped: readonly number[] = [0, BUFFER, BUFFER, BUFFER, HALF, 0].map(
    (shared) => ALL - LAUNCHED - shared,
  );
  /** Pages of the shared pool, which the VMM's page table maps once the guest has touched them. */
  const shared: readonly number[] = [0, 0, BUFFER, BUFFER, HALF, 0];
  const nothing: readonly number[] = LABELS.map(() => 0);

  /** What a design adds to RssFile. */
  const ADDED: Readonly<Record<string, readonly number[]>> = {
    'page-cache': nothing,
    'shadow-vma': allocated,
    'tdp-fault': mapped,
    'alloc-charge': allocated,
    tracker: nothing,
    fbind: nothing,
    'mempolicy-dup': nothing,
    upstream: nothing,
  };

  const readings = (strategy: string): Reading[] =>
    LABELS.map((label) => new Reading('conversion', strategy, label));

  it.each(PRESETS)('take the shared memory twice until the VMM punches under %s', (strategy) => {
    const taken = readings(strategy);
    const windows = [0, 0, BUFFER, 0, 0, 0];
    // Nothing binds the guest: it is on node 0, where its threads run.
    expect(taken.map(({ nodeFilePages }) => minus(nodeFilePages, taken[0]!.nodeFilePages))).toEqual(
      windows.map((pages) => [pages, 0, 0, 0]),
    );
    const charged = taken.map((reading) =>
      parseMemoryStat(reading.file('sys/fs/cgroup/qemu/memory.stat')).get('file'),
    );
    expect(charged).toEqual(windows.map((pages) => (ALL + pages) * 4096));
  });

  it.each(PRESETS)('show in RES what the design counts under %s', (strategy) => {
    const taken = readings(strategy);
    const kb = (pages: readonly number[]): number[] => pages.map((count) => count * PAGE_KB);
    expect(taken.map((reading) => reading.statusKb('RssFile'))).toEqual(kb(ADDED[strategy]!));
    expect(taken.map((reading) => reading.statusKb('RssShmem'))).toEqual(kb(shared));
    expect(taken.map(({ resKb }) => resKb)).toEqual(
      kb(ADDED[strategy]!.map((pages, at) => pages + shared[at]!)),
    );
  });

  it('show in fdinfo what is allocated and what is mapped under tracker', () => {
    const taken = readings('tracker');
    expect(taken.map((reading) => reading.fdinfoKb('gmem_pages'))).toEqual(allocated.map((n) => n * PAGE_KB));
    expect(taken.map((reading) => reading.fdinfoKb('gmem_mapped'))).toEqual(mapped.map((n) => n * PAGE_KB));
  });

  it('make RES exceed VIRT where private memory counts without address space, and only there', () => {
    const found = PRESETS.map((strategy) => runOf(results.get('conversion')!, strategy)).flatMap((run) =>
      run.findings.map(({ id, step }) => [run.name, id, step]),
    );
    const { step } = new Reading('conversion', 'alloc-charge', 'double-window').snapshot;
    expect(found).toEqual([['alloc-charge', 'rss-exceeds-vm-size', step]]);
  });
});
