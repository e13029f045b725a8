import { describe, expect, it } from 'vitest';
import { parseTop } from '../../src/procfs/top.ts';
import { renderTree } from '../../src/procfs/tree.ts';
import { ownScenario, runOf, runUnder, snapshotOf } from './scenario-file.ts';

const HACK = 'alloc-charge{uncharge=false,owner=current}';
const result = runUnder(await ownScenario('snp-hardware-40g'), ['page-cache', HACK]);
const quo = runOf(result, 'page-cache');
const hack = result.strategies.find(({ name }) => name.startsWith('alloc-charge'))!;
const group = snapshotOf(quo, 'running').facts.cgroups.find(({ path }) => path === '/qemu')!;

describe('a 40 GiB guest on SNP hardware, folios of 2 MiB', () => {
  it('memory.stat, to the byte', () => {
    expect(group.stat).toMatchObject({
      file: 42_978_775_040,
      file_thp: 42_949_672_960,
      unevictable: 42_953_588_736,
    });
  });

  it.each([
    ['file', [0, 20_480, 21_489_377_280, 21_489_377_280]],
    ['file_thp', [0, 0, 21_472_739_328, 21_476_933_632]],
    ['unevictable', [0, 0, 21_474_697_216, 21_478_891_520]],
  ])('memory.numa_stat %s, to the byte on each node', (item, measured) => {
    expect(group.numaStat[item]).toEqual(measured);
  });

  it.each([
    ['page-cache', quo, { virt: '40.4g', res: '99580', shr: '51676' }],
    [HACK, hack, { virt: '40.4g', res: '40.1g', shr: '40.1g' }],
  ])('top under %s', (_name, run, expected) => {
    const text = renderTree(snapshotOf(run, 'running').facts).get('top.txt')!;
    const line = parseTop(text).find(({ pid }) => pid === 3700)!;
    expect(line).toMatchObject(expected);
    if (run === hack) expect(line.memPercent).toBe('16.0');
  });

  it('the hack leaves a bad rss-counter behind, and memory that it still counts', () => {
    expect(hack.findings.map(({ id }) => id)).toContain('rss-balanced-at-exit');
    expect(quo.findings).toEqual([]);
  });

  it('says that it is hypothetical, since no released kernel has such folios', () => {
    expect([quo.label, hack.label]).toEqual(['hypothetical', 'hypothetical']);
  });
});
