import { KernelPages } from '../kernel/kernel-pages.ts';
import { PfnMap } from '../kernel/pfn-map.ts';
import { RadixNodes } from '../kernel/radix-nodes.ts';
import { RangeSet } from '../kernel/range-set.ts';
import { TablePages } from '../kernel/table-pages.ts';
import type { Process, Task } from '../kernel/task.ts';
import type { MemSlot } from './memslot.ts';
import type { OtherRoot } from './other-roots.ts';
import { StaleTable } from './stale-table.ts';
import { Vcpu } from './vcpu.ts';

/** KVM_X86_*_VM. */
export type VmType = 'default' | 'swprot' | 'snp';

/** A virtual machine (struct kvm). It belongs to the address space of the process that made it. */
export class Vm {
  readonly id: number;
  readonly type: VmType;
  readonly process: Process;
  /** By slot number. */
  readonly slots: Map<number, MemSlot> = new Map<number, MemSlot>();
  /** Guest frames with KVM_MEMORY_ATTRIBUTE_PRIVATE. */
  readonly privateGfns: RangeSet = new RangeSet();
  /** xarray nodes of the attributes. */
  readonly attributeNodes: RadixNodes = new RadixNodes({ bits: 6, levels: 9, grows: true });
  readonly attributeSlab: KernelPages = new KernelPages();
  /** Second-level entries for shared memory: guest frame to host frame. Those for private memory are the slots' `mapped`. */
  readonly tdp: PfnMap = new PfnMap();
  /**
   * Entries for private memory that point at a frame which the file no longer holds there: guest frame to that frame. Empty unless pages were
   * moved, or taken out of the file, behind the back of the guest's page table.
   */
  readonly staleEntries: StaleTable = new StaleTable();
  /** Blocks of 512 guest frames (frame number / 512) that one entry of 2 MiB maps; `tdp` holds their frames like all others. */
  readonly hugeGfns: RangeSet = new RangeSet();
  /** Further second-level page tables, by a number that the script gives. */
  readonly otherRoots: Map<number, OtherRoot> = new Map<number, OtherRoot>();
  /** Its table pages below the root: three levels of 9 bits. */
  readonly tables: RadixNodes = new RadixNodes({ bits: 9, levels: 3, grows: false, hasPages: true });
  readonly tablePages: TablePages = new TablePages(this.tables);
  readonly rootPages: KernelPages = new KernelPages();
  /** Stack of the thread that would split huge pages. */
  readonly recoveryStack: KernelPages = new KernelPages();
  /** struct kvm. */
  readonly structPages: KernelPages = new KernelPages();
  /** By number. */
  readonly vcpus: Map<number, Vcpu> = new Map<number, Vcpu>();
  /** Threads that run a vCPU of their own. */
  readonly vcpuThreads: Map<Task, Vcpu> = new Map<Task, Vcpu>();
  /** Open VM and vCPU descriptors and gmem files that keep it. */
  refs = 0;

  constructor(config: { id: number; type: VmType; process: Process }) {
    this.id = config.id;
    this.type = config.type;
    this.process = config.process;
  }

  /** kvm_arch_has_private_mem. */
  get hasPrivateMemory(): boolean {
    return this.type !== 'default';
  }

  /** A vCPU, made where it is new. */
  vcpu(id: number): Vcpu {
    let vcpu = this.vcpus.get(id);
    if (!vcpu) this.vcpus.set(id, (vcpu = new Vcpu(id)));
    return vcpu;
  }

  /** The vCPU that a thread runs: its own, else the first. */
  vcpuOf(task: Task): Vcpu {
    return this.vcpuThreads.get(task) ?? this.vcpu(0);
  }

  /** The slot that holds a guest frame. */
  slotAt(gfn: number): MemSlot | undefined {
    for (const slot of this.slots.values()) {
      if (gfn >= slot.gfn && gfn < slot.gfn + slot.pages) return slot;
    }
    return undefined;
  }
}
