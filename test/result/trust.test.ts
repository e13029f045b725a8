import { describe, expect, it } from 'vitest';
import { INTERFACES } from '../../src/analysis/interfaces.ts';
import { readingLabel, worldLabel } from '../../src/result/trust.ts';
import { VERIFICATION, type FieldCount, type ProfileVerification } from '../../src/result/verification.ts';

const count = (moved: number, off = 0): FieldCount => ({ compared: 9, moved, exact: 9 - off, noise: 0, off });

const CHECKED: ProfileVerification[] = [
  {
    profile: '6.12',
    releases: ['6.12.1'],
    strategies: ['page-cache'],
    vmTypes: ['default'],
    fields: {
      status: { VmRSS: count(3), VmSwap: count(0), VmPTE: count(3, 1) },
      'node meminfo': { FilePages: count(1) },
    },
  },
];

describe('the label of a world', () => {
  const world = { kernel: '6.12', strategy: 'page-cache', isMainline: true, vmTypes: [] };

  it.each([
    ['verified', 'the compared strategy without a VM', {}],
    ['verified', 'a VM of a type that a capture had', { vmTypes: ['default', 'default'] }],
    ['derived', 'an SNP guest, which no capture had', { vmTypes: ['default', 'snp'] }],
    ['derived', 'mainline parts in a combination that was not compared', { strategy: 'a+b+c' }],
    ['derived', 'a kernel without captures', { kernel: '6.18' }],
    ['hypothetical', 'a design that the kernel does not have', { isMainline: false }],
  ] as const)('is %s for %s', (label, _, traits) => {
    expect(worldLabel({ ...world, ...traits }, CHECKED)).toBe(label);
  });
});

describe('the label of a reading', () => {
  it.each([
    ['verified', ['status/VmRSS']],
    ['verified', ['status/VmRSS', 'node meminfo/FilePages']],
    ['derived', ['status/VmRSS', 'status/VmSwap']],
    ['derived', ['status/VmPTE']],
    ['derived', ['status/VmHWM']],
    ['derived', ['memory.current/memory.current']],
    ['derived', []],
    ['hypothetical', null],
  ] as const)('is %s for %j', (label, sources) => {
    expect(readingLabel('6.12', sources, CHECKED)).toBe(label);
  });

  it('is derived on a kernel without captures', () => {
    expect(readingLabel('7.3', ['status/VmRSS'], CHECKED)).toBe('derived');
  });
});

describe('the kept captures', () => {
  it('compare every field that an interface is read from', () => {
    const sources = INTERFACES.flatMap((one) => one.sources ?? []);
    const known = VERIFICATION.flatMap(({ fields }) =>
      Object.entries(fields).flatMap(([name, counts]) =>
        Object.keys(counts).map((field) => `${name}/${field}`),
      ),
    );
    expect(sources.filter((source) => !known.includes(source))).toEqual([]);
    expect(sources.length).toBeGreaterThan(10);
  });

  it('have no SNP guest, so that no world with one is verified', () => {
    for (const { profile, strategies } of VERIFICATION) {
      expect(strategies).toHaveLength(1);
      const world = { kernel: profile, strategy: strategies[0]!, isMainline: true };
      expect(worldLabel({ ...world, vmTypes: ['snp'] })).toBe('derived');
      expect(worldLabel({ ...world, vmTypes: [] })).toBe('verified');
    }
  });
});
