import { describe, expect, it } from 'vitest';
import type { StepArgs } from '../../src/scenario/types.ts';
import { Lab, MiB, pages } from '../simulation/lab.ts';

type Slot = StepArgs['vm slot'];
const BASE: Slot = { slot: 0, gpa: 0, bytes: MiB, object: 'm', offset: 0, gmem: 'g', gmemOffset: 0 };

/** A VM with a mapped memfd `m` and gmem `g`, 2 MiB each. */
function lab(type: 'default' | 'swprot', kernel: '6.12' | '6.18' | '7.3' = '6.12'): Lab {
  const made = new Lab({ kernel });
  made.do('vm create', { type });
  made.do('gmem create', { name: 'g', bytes: 2 * MiB, flags: 0 });
  made.do('memfd create', { name: 'm', bytes: 2 * MiB, hugetlb: false, cloexec: false, file: 'm' });
  made.do('map', {
    kind: 'memfd',
    name: 'm',
    shared: true,
    readOnly: false,
    at: null,
    offset: null,
    bytes: null,
  });
  return made;
}

const set = (one: Lab, change: Partial<Slot> = {}): string => one.do('vm slot', { ...BASE, ...change });

describe('KVM_SET_USER_MEMORY_REGION2', () => {
  it('binds a gmem where the VM has private memory; later kernels take it for every type', () => {
    expect(set(lab('swprot'))).toBe('0');
    expect(set(lab('default'))).toBe('EINVAL');
    expect(set(lab('default', '6.18'))).toBe('0');
    expect(set(lab('default', '7.3'))).toBe('0');
    expect(set(lab('default'), { gmem: null })).toBe('0');
  });

  it.each<[string, Partial<Slot>]>([
    ['size', { bytes: 4097 }],
    ['guest address', { gpa: 1 }],
    ['user address', { offset: 1 }],
    ['offset in the gmem', { gmemOffset: 1 }],
    ['slot number', { slot: 32_767 }],
    ['size of more than 2^31 - 1 pages', { bytes: pages(2 ** 31), gmem: null }],
  ])('refuses a bad %s', (_, change) => {
    expect(set(lab('swprot'), change)).toBe('EINVAL');
  });

  it('deletes a slot by size 0, once', () => {
    const one = lab('swprot');
    set(one);
    expect(one.do('vm unslot', { slot: 0 })).toBe('0');
    expect(one.do('vm unslot', { slot: 0 })).toBe('EINVAL');
  });

  it('never changes a slot with a gmem, and an ordinary one only into itself', () => {
    const one = lab('swprot');
    set(one);
    expect([set(one), set(one, { gmem: null }), set(one, { bytes: 4096 })]).toEqual([
      'EINVAL',
      'EINVAL',
      'EINVAL',
    ]);
    const other = lab('swprot');
    set(other, { gmem: null });
    expect([
      set(other, { gmem: null }),
      set(other),
      set(other, { gmem: null, bytes: 4096 }),
      set(other, { gmem: null, offset: 4096 }),
    ]).toEqual(['0', 'EINVAL', 'EINVAL', 'EINVAL']);
  });

  it('refuses overlapping guest ranges with EEXIST, before it looks at the gmem', () => {
    const one = lab('swprot');
    set(one);
    expect(set(one, { slot: 1, gpa: MiB - 4096, gmemOffset: 100 * MiB })).toBe('EEXIST');
    expect(set(one, { slot: 1, gpa: MiB, gmemOffset: MiB })).toBe('0');
  });

  it('works without a user address', () => {
    expect(set(lab('swprot'), { object: null })).toBe('0');
  });

  it('is for VMs and open descriptors', () => {
    const one = lab('swprot');
    one.do('close', { kind: 'gmem', name: 'g' });
    expect(set(one)).toBe('EBADF');
    one.do('vm close', {});
    expect(set(one, { gmem: null })).toBe('EBADF');
  });
});

describe('binding a gmem', () => {
  it('refuses what lies beyond its end, and files that are none', () => {
    expect(set(lab('swprot'), { gmemOffset: MiB + 4096 })).toBe('EINVAL');
    expect(set(lab('swprot'), { gmem: 'm' })).toBe('EINVAL');
  });

  it('refuses the gmem of another VM', () => {
    const one = lab('swprot');
    one.do('vm close', {});
    one.do('vm create', { type: 'swprot' });
    expect(set(one)).toBe('EINVAL');
  });

  it.each([
    ['6.12', 'EINVAL'],
    ['6.18', 'EINVAL'],
    ['7.3', 'EEXIST'],
  ] as const)('refuses a range of the file that is bound already: on %s with %s', (kernel, errno) => {
    const one = lab('swprot', kernel);
    set(one);
    expect(set(one, { slot: 1, gpa: 8 * MiB, gmemOffset: MiB - 4096 })).toBe(errno);
    expect(set(one, { slot: 1, gpa: 8 * MiB, gmemOffset: MiB })).toBe('0');
    one.do('vm unslot', { slot: 0 });
    expect(set(one, { slot: 2, gpa: 16 * MiB })).toBe('0');
  });

  it('allocates and charges nothing; deleting frees nothing', () => {
    const one = lab('swprot');
    set(one);
    const [gmem] = one.world.kvm.vmOfGmem.keys();
    expect(gmem!.cache.size).toBe(0);
    one.do('vm attr', { gpa: 0, bytes: MiB, to: 'private' });
    one.do('vm touch', { gpa: 0, bytes: MiB, code: null, step: 4096, vcpu: null, random: null });
    one.do('vm unslot', { slot: 0 });
    expect(gmem!.cache.size).toBe(256);
  });
});
