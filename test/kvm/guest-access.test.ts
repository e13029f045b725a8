import { describe, expect, it } from 'vitest';
import { conversionExits } from '../../src/kvm/conversion.ts';
import { type AccessKind, guestAccess, type GuestExit } from '../../src/kvm/page-fault.ts';
import { Lab, MiB, pages } from '../simulation/lab.ts';

/** Frames 0..255 private and 256..511 shared in a slot of 512; nothing behind it. */
function lab(kernel: '6.12' | '7.3' = '6.12', type: 'snp' | 'default' = 'snp', flags = 0): Lab {
  const made = new Lab({ kernel });
  made.do('vm create', { type });
  made.do('gmem create', { name: 'g', bytes: 2 * MiB, flags });
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
  made.do('vm slot', { slot: 0, gpa: 0, bytes: 2 * MiB, object: 'm', offset: 0, gmem: 'g', gmemOffset: 0 });
  made.do('vm attr', { gpa: 0, bytes: MiB, to: 'private' });
  return made;
}

function access(one: Lab, gfn: number, count: number, kind: AccessKind): GuestExit | null {
  const { kvm, workers } = one.world;
  return guestAccess(kvm, [...kvm.vms][0]!, workers.get('w0')!.task, gfn, count, kind);
}

/** Pages of the private and of the shared pool. */
function pools(one: Lab): number[] {
  const { inodes } = one.world.kernel;
  return ['gmem', 'shmem'].map((kind) => [...inodes].find((inode) => inode.kind === kind)?.cache.size ?? 0);
}

const touch = (one: Lab, gfn: number, count: number): string =>
  one.do('vm touch', {
    gpa: pages(gfn),
    bytes: pages(count),
    code: null,
    step: 4096,
    vcpu: null,
    random: null,
  });

describe('which pool a guest access uses', () => {
  it('follows the attribute where the access agrees with it', () => {
    const one = lab();
    expect([
      access(one, 0, 10, 'private'),
      access(one, 256, 20, 'shared'),
      access(one, 250, 12, 'attribute'),
    ]).toEqual([null, null, null]);
    expect(pools(one)).toEqual([16, 20]);
  });

  it('leaves with KVM_EXIT_MEMORY_FAULT where it does not: the flag says what the access was', () => {
    const fault = { reason: 'KVM_EXIT_MEMORY_FAULT', errno: 'EFAULT' };
    expect(access(lab(), 3, 1, 'shared')).toEqual({ ...fault, gfn: 3, isPrivate: false });
    expect(access(lab(), 300, 1, 'private')).toEqual({ ...fault, gfn: 300, isPrivate: true });
    const one = lab();
    expect(access(one, 250, 20, 'private')).toEqual({ ...fault, gfn: 256, isPrivate: true });
    // What came before the exit is there.
    expect(pools(one)).toEqual([6, 0]);
  });

  it('without a slot: a private access is a memory fault, a shared one is MMIO', () => {
    const one = lab();
    one.do('vm attr', { gpa: 4 * MiB, bytes: MiB, to: 'private' });
    expect(access(one, 512, 1, 'shared')?.reason).toBe('KVM_EXIT_MMIO');
    expect(access(one, 512, 1, 'private')).toMatchObject({
      reason: 'KVM_EXIT_MEMORY_FAULT',
      isPrivate: true,
    });
    expect(access(one, 1024, 1, 'attribute')).toMatchObject({
      reason: 'KVM_EXIT_MEMORY_FAULT',
      isPrivate: true,
    });
  });

  it('private frames of a slot without a gmem, or after its file went, are memory faults', () => {
    const one = lab();
    one.do('close', { kind: 'gmem', name: 'g' });
    expect(access(one, 0, 1, 'private')).toMatchObject({
      reason: 'KVM_EXIT_MEMORY_FAULT',
      errno: 'EFAULT',
      isPrivate: true,
    });
    expect(access(one, 256, 1, 'shared')).toBeNull();
  });

  it('shared frames need a mapping behind the user address', () => {
    const one = lab();
    one.do('unmap', { kind: 'memfd', name: 'm', range: { offset: pages(300), bytes: pages(10) } });
    expect(access(one, 290, 40, 'shared')).toMatchObject({ errno: 'EFAULT', gfn: 300, isPrivate: false });
    const [vm] = one.world.kvm.vms;
    expect([vm!.tdp.size, vm!.tdp.has(299), vm!.tdp.has(310)]).toEqual([10, true, false]);
  });

  it('maps nothing behind the frame that failed, though user page tables do', () => {
    const one = lab();
    one.do('touch', { name: 'm', offset: pages(256), bytes: pages(256), write: true, random: null });
    one.do('unmap', { kind: 'memfd', name: 'm', range: { offset: pages(300), bytes: pages(10) } });
    expect(access(one, 290, 40, 'shared')).toMatchObject({ gfn: 300 });
    const [vm] = one.world.kvm.vms;
    expect([vm!.tdp.size, vm!.tdp.has(310)]).toEqual([10, false]);
  });

  it('a slot of a VM without private memory takes everything from the gmem', () => {
    const one = lab('7.3', 'default', 3);
    expect(touch(one, 0, 512)).toBe('0');
    expect(pools(one)).toEqual([512, 0]);
    // Guest faults bypass host page tables.
    const { mm } = one.world.workers.get('w0')!.process;
    expect(mm!.rss).toEqual({ anon: 0, file: 0, shmem: 0, swap: 0, gmem: 0 });
  });
});

describe('KVM_SET_MEMORY_ATTRIBUTES', () => {
  const attr = (one: Lab, gpa: number, bytes: number, to: 'private' | 'shared' = 'private'): string =>
    one.do('vm attr', { gpa, bytes, to });

  it('refuses unaligned, empty and wrapped ranges, and VMs without private memory', () => {
    const one = lab();
    expect([attr(one, 1, MiB), attr(one, 0, 4095), attr(one, 0, 0), attr(one, -4096, 4096)]).toEqual([
      'EINVAL',
      'EINVAL',
      'EINVAL',
      'EINVAL',
    ]);
    const plain = new Lab();
    plain.do('vm create', { type: 'default' });
    expect([attr(plain, 0, MiB), attr(plain, 0, MiB, 'shared')]).toEqual(['EINVAL', '0']);
    expect(attr(new Lab(), 0, MiB)).toBe('EBADF');
  });

  it('works without a slot', () => {
    expect(attr(lab(), 1024 * MiB, MiB)).toBe('0');
  });

  it('moves no page: converted memory is there twice until the VMM punches', () => {
    const one = lab();
    touch(one, 0, 256);
    expect(pools(one)).toEqual([256, 0]);
    attr(one, 0, pages(128), 'shared');
    expect(pools(one)).toEqual([256, 0]);
    touch(one, 0, 128);
    expect(pools(one)).toEqual([256, 128]);
    one.do('punch', { kind: 'gmem', name: 'g', offset: 0, bytes: pages(128) });
    expect(pools(one)).toEqual([128, 128]);
    attr(one, 0, pages(128));
    touch(one, 0, 128);
    expect(pools(one)).toEqual([256, 128]);
    one.do('punch', { kind: 'memfd', name: 'm', offset: 0, bytes: pages(128) });
    expect(pools(one)).toEqual([256, 0]);
  });

  it('zaps the entries of the kind that a range leaves, no others', () => {
    const one = lab();
    touch(one, 0, 512);
    const [vm] = one.world.kvm.vms;
    const slot = vm!.slots.get(0)!;
    expect([slot.mapped.size, vm!.tdp.size]).toEqual([256, 256]);
    attr(one, 0, 2 * MiB);
    expect([slot.mapped.size, vm!.tdp.size]).toEqual([256, 0]);
    attr(one, pages(100), pages(300), 'shared');
    expect([slot.mapped.size, vm!.tdp.size]).toEqual([100, 0]);
  });

  it('and so does a slot that goes, of both kinds', () => {
    const one = lab();
    touch(one, 0, 512);
    const [vm] = one.world.kvm.vms;
    const slot = vm!.slots.get(0)!;
    one.do('vm unslot', { slot: 0 });
    expect([slot.mapped.size, vm!.tdp.size]).toEqual([0, 0]);
  });

  it('charges one xarray node for 64 frames to the caller, and gives it back', () => {
    const one = lab();
    one.do('cgroup create', { path: '/a' });
    one.do('cgroup move', { worker: 'w0', path: '/a' });
    const slab = (): number => one.world.kernel.memcgs.get('/a')!.own('slab_reclaimable', 0);
    attr(one, pages(4096), pages(4096));
    // 64 leaves, the node above them, and a new root over that and what was there.
    expect(slab()).toBe(592 * 66);
    attr(one, pages(4096), pages(4096), 'shared');
    expect(slab()).toBe(0);
  });
});

describe('KVM_SEV_SNP_LAUNCH_UPDATE', () => {
  const launch = (one: Lab, gfn: number, count: number): string =>
    one.do('vm launch-update', { gpa: pages(gfn), bytes: pages(count) });

  it('allocates by the calling thread and maps nothing', () => {
    const one = lab();
    expect(launch(one, 0, 64)).toBe('0');
    const [vm] = one.world.kvm.vms;
    expect([pools(one), vm!.slots.get(0)!.mapped.size]).toEqual([[64, 0], 0]);
  });

  it('needs an SNP VM, a slot with a gmem, and private frames', () => {
    const one = lab();
    expect([launch(one, 250, 10), launch(one, 600, 1), launch(one, 0, 0)]).toEqual([
      'EINVAL',
      'EINVAL',
      'EINVAL',
    ]);
    expect(launch(lab('7.3', 'default', 3), 0, 1)).toBe('EINVAL');
  });

  it('takes no page twice, nor one that the guest used', () => {
    const one = lab();
    launch(one, 0, 64);
    expect(launch(one, 63, 2)).toBe('EEXIST');
    touch(one, 100, 1);
    expect(launch(one, 100, 1)).toBe('EEXIST');
    one.do('punch', { kind: 'gmem', name: 'g', offset: 0, bytes: MiB });
    expect(launch(one, 0, 256)).toBe('0');
  });
});

describe('exits of a conversion', () => {
  it('implicit: one for each frame', () => {
    expect(conversionExits(7, 100, 'implicit')).toBe(100);
  });

  it('explicit: one for each run of entries of one size, cut at 253 entries a buffer', () => {
    expect(conversionExits(0, 512, 'explicit')).toBe(1);
    expect(conversionExits(0, 511, 'explicit')).toBe(Math.ceil(511 / 253));
    expect(conversionExits(1, 1, 'explicit')).toBe(1);
    // 511 small entries in buffers of 253, 253 and 5; then two large ones and one small one in the third.
    expect(conversionExits(1, 511 + 1024 + 1, 'explicit')).toBe(3 + 1 + 1);
    // 40 GiB are 20480 entries of 2 MiB.
    expect(conversionExits(0, 10_485_760, 'explicit')).toBe(Math.ceil(20_480 / 253));
  });
});
