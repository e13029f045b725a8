import { describe, expect, it } from 'vitest';
import { renderNumaMapsLine } from '../../src/procfs/numa-maps.ts';
import type { VmaFacts } from '../../src/procfs/facts.ts';
import { play, TALK } from './play.ts';

/** 40 GiB of private memory, all allocated and mapped into the guest by a vCPU thread under interleave 2,3. */
const SCRIPT = `
cgroup create /vm
cgroup move w0 /vm
anon map own 84M
touch own 0 84M write
mempolicy interleave 2,3
vm create snp
memfd create ram 40G
memfd map ram shared
gmem create priv 40G
snapshot base
vm slot 0 0 40G ram 0 priv 0
vm attr 0 40G private
vm vcpu 0 2 interleave 2,3
vm touch 0 40G vcpu=0
snapshot full
`;

const G = 10_485_760;
describe('the entry of a shadow VMA', () => {
  const entry = (kernel: '6.12' | '7.3', steps = SCRIPT, options = ''): VmaFacts => {
    const run = play(`shadow-vma${options}`, steps, { machine: TALK, kernel });
    return run.process('full')!.vmas.find(({ name }) => name.includes('kvm-gmem'))!;
  };

  it('in numa_maps: pages by node, clean on 6.12, dirty by guest faults later', () => {
    const nodes = ({ numa }: VmaFacts): string => `N2=${numa.nodes[2]} N3=${numa.nodes[3]}`;
    const old = entry('6.12');
    expect(renderNumaMapsLine(old).replace(/^\S+ /, '').trim()).toBe(
      `interleave:2-3 file=anon_inode:[kvm-gmem] mapped=10485760 ${nodes(old)} kernelpagesize_kB=4`,
    );
    const recent = entry('7.3');
    expect(renderNumaMapsLine(recent).replace(/^\S+ /, '').trim()).toBe(
      `interleave:2-3 file=/[kvm-gmem]\\040(deleted) dirty=10485760 ${nodes(recent)} kernelpagesize_kB=4`,
    );
  });

  it('in smaps: all of it, private, clean or dirty', () => {
    const bytes = G * 4096;
    const { smaps, perms, start, end, vmFlags } = entry('6.12');
    expect([end - start, perms]).toEqual([bytes, '---s']);
    expect(smaps).toMatchObject({
      rss: bytes,
      pss: bytes * 4096,
      privateClean: bytes,
      privateDirty: 0,
      pssDirty: 0,
      sharedClean: 0,
      sharedDirty: 0,
      anonymous: 0,
      swap: 0,
      locked: 0,
    });
    expect(vmFlags).toEqual(expect.arrayContaining(['sh', 'dc', 'de', 'dd']));
    expect(entry('7.3').smaps).toMatchObject({
      rss: bytes,
      privateClean: 0,
      privateDirty: bytes,
      pssDirty: bytes * 4096,
    });
    // What was allocated and never touched stays clean there, too.
    const prefetched = SCRIPT.replace('vm touch 0 40G vcpu=0', 'gmem fallocate priv 0 40G');
    expect(entry('7.3', prefetched).smaps).toMatchObject({
      rss: bytes,
      privateClean: bytes,
      privateDirty: 0,
    });
  });
});
