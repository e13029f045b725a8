import { describe, expect, it } from 'vitest';
import { play } from './play.ts';

const INHERITED = `
memfd create m0 4M
memfd map m0
vm create
gmem create g0 4M
vm slot 0 0 4M m0 0
fork w1
`;

describe('a VM that a child inherited', () => {
  it('fails every ioctl with EIO: it belongs to the address space of the parent', () => {
    const steps = [
      'w1: gmem create g1 4M',
      'w1: vm slot 1 0x1000000 4M m0 0',
      'w1: vm unslot 0',
      'w1: vm attr 0 4M shared',
      'w1: vm touch 0x10000 4p m0',
      'w1: vm ttouch 0x10000 4p m0 1 default',
      'w1: vm vcpu 1 1 default',
    ];
    const played = play('page-cache', `${INHERITED}${steps.join('\n')}\nw1: vm cap`);
    for (const step of steps) expect([step, played.errno(step)]).toEqual([step, 'EIO']);
    expect(played.step('w1: vm cap')).toMatchObject({
      ret: 0,
      message: 'GUEST_MEMFD=-1 MEMORY_ATTRIBUTES=0xffffffff GUEST_MEMFD_FLAGS=-1',
    });
  });

  it('has the code written before the ioctl fails, and leaves the files of the VM usable', () => {
    const played = play(
      'page-cache',
      `${INHERITED}snapshot before\nw1: vm touch 0x10000 4p m0\nw1: gmem fallocate g0 0 32p\nsnapshot after`,
    );
    expect(played.rss('after', 'w1')! - played.rss('before', 'w1')!).toBe(1);
    expect(played.pagesOf('after', 'g0')).toBe(32);
  });

  it("makes way for a VM of the child's own", () => {
    const played = play(
      'page-cache',
      `${INHERITED}w1: vm close\nw1: gmem create g1 4M\nw1: vm slot 0 0 4M m0 0\nw1: vm touch 0x10000 4p m0`,
    );
    expect(played.errno('w1: gmem create g1 4M')).toBe('0');
    expect(played.errno('w1: vm touch 0x10000 4p m0')).toBe('0');
  });
});

describe('a guest that touches what no slot holds', () => {
  it('is a device to emulate, which the VMM has not, and costs a table', () => {
    const played = play(
      'page-cache',
      `${INHERITED}vm touch 0x10000 4p m0\nsnapshot before\nvm touch 0x8000000 1p m0\nsnapshot after`,
    );
    expect(played.step('vm touch 0x8000000 1p m0')).toMatchObject({
      ret: -1,
      errno: 'EPROTO',
      message: 'KVM_EXIT_MMIO gpa=0x8000000',
    });
    const tables = (label: string): number => played.counter(label, 'nr_sec_page_table_pages');
    expect(tables('after') - tables('before')).toBe(1);
  });
});
