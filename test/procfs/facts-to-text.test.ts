import { describe, expect, it } from 'vitest';
import { sampleNode, sampleProcess, sampleSnapshot, sampleVma } from './sample-facts.ts';
import { renderMask } from '../../src/procfs/bit-mask.ts';
import { buddyinfoOf, renderBuddyinfo } from '../../src/procfs/buddyinfo.ts';
import { emptySmaps } from '../../src/procfs/facts.ts';
import { LAYOUTS } from '../../src/procfs/layouts.ts';
import { meminfoOf, nodeMeminfoOf, renderNodeMeminfo } from '../../src/procfs/meminfo.ts';
import { procStatOf, renderProcStat } from '../../src/procfs/proc-stat.ts';
import { parseSmapsRollup, renderSmaps, renderSmapsRollup, rollUp } from '../../src/procfs/smaps.ts';
import { renderStatm, statmOf } from '../../src/procfs/statm.ts';
import { renderStatus, statusKb, statusOf } from '../../src/procfs/status.ts';
import { renderTop, scaleKb, topTaskOf } from '../../src/procfs/top.ts';
import { nodeVmstatOf, vmstatOf } from '../../src/procfs/vmstat.ts';
import { zoneinfoOf } from '../../src/procfs/zoneinfo-facts.ts';
import { fixture } from './fixture.ts';

const layout = LAYOUTS['6.12'];
const facts = sampleSnapshot();

describe('meminfo', () => {
  const values = meminfoOf(facts, layout);

  it('takes Buffers and the swap cache out of Cached, and leaves gmem in it', () => {
    expect(values.get('Cached')).toBe((1510 - 5 - 10) * 4);
    expect(values.get('Unevictable')).toBe(3600);
  });

  it('sums nodes, keeps the kernel stack in kB and has the rest from the system facts', () => {
    expect(values.get('MemFree')).toBe(2 * 200_001 * 4);
    expect(values.get('KernelStack')).toBe(161);
    expect(values.get('Committed_AS')).toBe(308);
    expect(values.get('DirectMap4k')).toBe(0);
  });

  it.each([
    ['6.12', 'meminfo-6.12'],
    ['7.3', 'meminfo-7.3'],
  ] as const)('has the lines of Linux %s in their order', (kernel, file) => {
    const names = fixture(file)
      .split('\n')
      .map((line) => line.split(':')[0]!);
    expect([...meminfoOf(facts, LAYOUTS[kernel]).keys()]).toEqual(names.slice(0, -1));
  });

  it('prints the used memory of a node', () => {
    const text = renderNodeMeminfo({ nid: 1, values: nodeMeminfoOf(sampleNode(1), layout) });
    expect(text).toContain('Node 1 MemUsed:          248572 kB\n');
    expect(text).toContain('Node 1 HugePages_Free:      0\n');
  });
});

describe('vmstat', () => {
  it('counts huge pages where meminfo counts their bytes', () => {
    expect(nodeVmstatOf(facts.nodes[0]!, layout).get('nr_anon_transparent_hugepages')).toBe(2);
    expect(meminfoOf(facts, layout).get('AnonHugePages')).toBe(4096);
  });

  it('sums nodes and takes the other events from the system', () => {
    const counters = vmstatOf(facts.system, facts.nodes, layout);
    expect(counters.get('numa_hit')).toBe(1024);
    expect(counters.get('pgfault')).toBe(99);
    expect(counters.get('nr_zone_unevictable')).toBe(900);
    expect(counters.get('nr_free_pages')).toBe(400_002);
  });

  it('tells free pages in whole blocks from others on newer kernels', () => {
    expect(nodeVmstatOf(facts.nodes[0]!, LAYOUTS['7.3']).get('nr_free_pages_blocks')).toBe(195 * 1024);
  });
});

describe('zones', () => {
  it('list free blocks of populated zones', () => {
    expect(renderBuddyinfo(buddyinfoOf([facts.nodes[0]!]))).toBe(
      'Node 0, zone   Normal      1      0      0      0      0      0      0      0      0      0    195 \n',
    );
  });

  it('give node counters once and empty zones without detail', () => {
    const zones = zoneinfoOf(facts.nodes, layout).filter((zone) => zone.nid === 0);
    expect(zones.map((zone) => zone.name)).toEqual(['DMA', 'DMA32', 'Normal', 'Movable', 'Device']);
    expect(zones.filter((zone) => zone.nodeStats).map((zone) => zone.name)).toEqual(['Normal']);
    expect(zones.filter((zone) => zone.populated)).toHaveLength(1);
    expect(zones[2]!.populated!.counters.get('numa_hit')).toBe(512);
  });
});

describe('a process', () => {
  const process = sampleProcess({ extraStatus: [{ name: 'RssGmem', kb: 64 }] });
  const status = statusOf(process, { layout, nodes: facts.nodes });

  it('has status lines in the order of a real file, the added ones after HugetlbPages', () => {
    const real = fixture('status')
      .split('\n')
      .map((line) => line.split(':')[0]!)
      .slice(0, -1);
    real.splice(real.indexOf('HugetlbPages') + 1, 0, 'RssGmem');
    expect([...status.keys()]).toEqual(real);
    expect(renderStatus(status)).toContain(
      'HugetlbPages:\t       0 kB\nRssGmem:\t      64 kB\nCoreDumping:\t0\n',
    );
  });

  it('has the same RSS in status, statm, stat and top', () => {
    expect(statusKb(status, 'VmRSS')).toBe(192);
    expect(renderStatm(statmOf(process))).toBe('90 48 40 12 0 53 0\n');
    expect(renderProcStat(procStatOf(process)).split(' ')[23]).toBe('48');
    expect(renderTop([topTaskOf(process, 4800)])).toMatch(
      /\n {3}4242 root {6}20 {3}0 {5}360 {4}192 {4}160 S {3}0.0 {3}1.0 {3}0:00.00 qemu-system-x86\n$/,
    );
  });

  it('prints smaps sums in kB, shares cut off', () => {
    const smaps = { ...emptySmaps(), rss: 4096, pss: Math.floor(2 ** 24 / 3), locked: 4096 };
    const text = renderSmaps([sampleVma({ smaps, protectionKey: 0 })]);
    expect(text).toContain('Rss:                   4 kB\nPss:                   1 kB\n');
    expect(text).toContain(
      'Locked:                4 kB\nTHPeligible:           0\nProtectionKey:         0\nVmFlags: rd wr mr mw me ac sd \n',
    );
  });

  it('rolls its VMAs up, summing shares before they are cut off', () => {
    const third = { ...emptySmaps(), pss: Math.floor(2 ** 24 / 3), pssAnon: Math.floor(2 ** 24 / 3) };
    const vmas = [
      sampleVma({ smaps: third }),
      sampleVma({ end: 0x7fff00000000, smaps: third }),
      sampleVma({ name: '[vsyscall]', end: 2 ** 63 }),
    ];
    const text = renderSmapsRollup(rollUp(vmas));
    expect(text).toMatch(/^7f0000000000-7fff00000000 ---p 00000000 00:00 0 {26}\[rollup\]\n/);
    expect(text).toContain('Pss_Anon:              2 kB\n');
    expect(parseSmapsRollup(text)?.end).toBe(0x7fff00000000);
    expect(renderSmapsRollup(rollUp([]))).toBe('');
  });
});

describe('masks', () => {
  it('are as wide as the bit count, in words of 32', () => {
    expect(renderMask([0, 1, 2, 3], 4)).toBe('f');
    expect(renderMask([0, 33], 40)).toBe('02,00000001');
    expect(renderMask([31], 64)).toBe('00000000,80000000');
    expect(renderMask([5], 4)).toBe('0');
  });
});

describe("top's memory columns", () => {
  it.each([
    [85_332, 6, '85332'],
    [1_242_948, 6, '1.2g'],
    [999_999, 6, '999999'],
    [1_009_357, 6, '985.7m'],
    [10_905_190, 7, '10.4g'],
    [157_303_240, 7, '150.0g'],
  ])('print %i kB in %i columns as %s', (kb, width, text) => {
    expect(scaleKb(kb, width)).toBe(text);
  });
});
