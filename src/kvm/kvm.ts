import { allocateAccounted } from '../kernel/accounted-pages.ts';
import type { Inode } from '../kernel/inode.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Mm } from '../kernel/mm.ts';
import { closeFd, installFd } from '../kernel/process.ts';
import type { OpenFile, Process, Task } from '../kernel/task.ts';
import { type KvmHooks, NO_KVM_HOOKS } from './hooks.ts';
import { freeSlotPages } from './memory-region.ts';
import { leaveStale, type StaleEntries } from './stale-entries.ts';
import { destroyTdp, zapLane } from './tdp.ts';
import { Vm, type VmType } from './vm.ts';
import { freeVmPages, VCPU_PAGES } from './vcpu.ts';
import { punchGmem, unbindFile } from './guest-memfd.ts';
import { clipLane, type Lane } from '../units/lanes.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import { freeXarrayNodes } from '../kernel/slab.ts';

/** KVM as a whole: the VMs of a world, their gmem files, and the ears it has in mm. */
export class Kvm {
  readonly kernel: Kernel;
  hooks: KvmHooks = NO_KVM_HOOKS;
  readonly vms: Set<Vm> = new Set<Vm>();
  /** The VM that a gmem file belongs to. */
  readonly vmOfGmem: Map<Inode, Vm> = new Map<Inode, Vm>();
  /** A page of a gmem left its frame, and second-level entries still point there. */
  onStaleEntries: (stale: StaleEntries) => void = () => undefined;
  /** A guest accesses frames, some of which have stale entries. */
  onStaleAccess: (vm: Vm, gfn: number, count: number) => void = () => undefined;
  #nextId = 1;

  constructor(config: { kernel: Kernel }) {
    this.kernel = config.kernel;
    this.kernel.mmuNotifiers.push((mm, vpn, count, stride = 1) =>
      this.#invalidate(mm, { index: vpn, count, stride }),
    );
    this.kernel.mmReleases.push((mm) => this.#release(mm));
    this.kernel.onRelease = (file) => this.#closed(file);
    this.kernel.punchGmem = (task, inode, index, count) =>
      void punchGmem(this, task, inode, index * PAGE_SIZE, count * PAGE_SIZE);
    this.kernel.gmemLeftFrames = (stretch) => leaveStale(this, stretch);
    this.kernel.releaseGmem = (inode) => this.#gmemReleased(inode);
  }

  /** KVM_CREATE_VM. Returns the descriptor and the VM. */
  createVm(process: Process, type: VmType): { fd: number; vm: Vm } {
    const vm = new Vm({ id: this.#nextId++, type, process });
    this.vms.add(vm);
    vm.refs = 1;
    const { use, pages } = this.kernel.profile.vmStruct;
    allocateAccounted(this.kernel, process.main, vm.structPages, use, pages);
    const fd = installFd(process, { kind: 'vm', inode: null, vm, link: 'anon_inode:kvm-vm' });
    return { fd, vm };
  }

  /** KVM_CREATE_VCPU by a thread: the descriptor, which keeps the VM. */
  createVcpu(task: Task, vm: Vm, id: number): number {
    allocateAccounted(this.kernel, task, vm.vcpu(id).pages, 'kernel_other', VCPU_PAGES);
    vm.refs++;
    const link = `anon_inode:kvm-vcpu:${id}`;
    return installFd(task.process, { kind: 'vcpu', inode: null, vm, link });
  }

  /** close(2) of a VM descriptor: what the gmem files keep stays (virt/kvm/kvm_main.c:kvm_vm_release). */
  closeVm(process: Process, fd: number): void {
    closeFd(this.kernel, process, fd);
  }

  /** Drops a reference to a VM; the last one destroys it (kvm_destroy_vm). */
  put(vm: Vm): void {
    if (--vm.refs > 0) return;
    destroyTdp(this, vm);
    freeVmPages(this.kernel, vm);
    for (const slot of vm.slots.values()) freeSlotPages(this, slot);
    vm.slots.clear();
    freeXarrayNodes(this.kernel, vm.attributeSlab, vm.attributeNodes.clear());
    this.vms.delete(vm);
  }

  #closed(file: OpenFile): void {
    if (file.kind === 'vm' || file.kind === 'vcpu') this.put(file.vm as Vm);
  }

  /** kvm_gmem_release, then the inode goes: the caller frees the pages. */
  #gmemReleased(inode: Inode): void {
    this.hooks.gmemReleased(inode);
    unbindFile(this, inode);
    const vm = this.vmOfGmem.get(inode);
    this.vmOfGmem.delete(inode);
    if (vm) this.put(vm);
  }

  /** kvm_mmu_notifier_invalidate_range_start: entries that came from user page tables go with these. */
  #invalidate(mm: Mm, lane: Lane): void {
    for (const vm of this.vms) {
      if (vm.process.mm !== mm) continue;
      for (const slot of vm.slots.values()) {
        if (slot.isGmemOnly || slot.isInPlace || slot.userspaceVpn === 0) continue;
        const inside = clipLane(lane, slot.userspaceVpn, slot.userspaceVpn + slot.pages);
        if (!inside) continue;
        zapLane(this, vm, { ...inside, index: inside.index + slot.gfn - slot.userspaceVpn }, 'shared');
      }
    }
  }

  /** kvm_mmu_notifier_release: the address space goes for good, and with it every second-level entry. */
  #release(mm: Mm): void {
    for (const vm of this.vms) if (vm.process.mm === mm) destroyTdp(this, vm);
  }
}
