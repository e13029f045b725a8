import { KernelPages } from '../kernel/kernel-pages.ts';
import { PfnMap } from '../kernel/pfn-map.ts';
import { RadixNodes } from '../kernel/radix-nodes.ts';
import { RangeSet } from '../kernel/range-set.ts';
import type { Process } from '../kernel/task.ts';
import type { MemSlot } from './memslot.ts';

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
  /** Its table pages: four levels of 9 bits. */
  readonly tables: RadixNodes = new RadixNodes({ bits: 9, levels: 4, grows: false });
  readonly tablePages: KernelPages = new KernelPages();
  /** Open VM descriptors and gmem files that keep it. */
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

  /** The slot that holds a guest frame. */
  slotAt(gfn: number): MemSlot | undefined {
    for (const slot of this.slots.values()) {
      if (gfn >= slot.gfn && gfn < slot.gfn + slot.pages) return slot;
    }
    return undefined;
  }
}
