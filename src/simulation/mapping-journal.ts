import { FrameTable } from '../kernel/frame-table.ts';
import type { Inode } from '../kernel/inode.ts';
import type { KvmHooks } from '../kvm/hooks.ts';
import type { MemSlot } from '../kvm/memslot.ts';

/** A step of the script: its number and its line in the file. */
export interface Moment {
  step: number;
  line: number;
}

/** In which step each page of a gmem got its second-level entry: a book of the engine's, for worlds in which pages may lose their frames. */
export class MappingJournal {
  readonly #files = new Map<Inode, FrameTable>();
  readonly #moments: Moment[] = [];

  /** Hooks that keep the book before they do what the given ones do; `now` is the step that is being run. */
  around(hooks: KvmHooks, now: () => Moment): KvmHooks {
    return {
      ...hooks,
      tdpMapped: (slot, pages) => {
        const table = this.#tableOf(slot);
        const id = this.#idOf(now());
        pages.forEach((index, count) => table.allocate(index, count, id));
        hooks.tdpMapped(slot, pages);
      },
      tdpZapped: (slot, index, count) => {
        this.#tableOf(slot).free(index, count);
        hooks.tdpZapped(slot, index, count);
      },
    };
  }

  /** The steps that mapped pages of a range, in order. */
  stepsOf(inode: Inode, index: number, count: number): Moment[] {
    const ids = new Set<number>();
    this.#files.get(inode)?.forEach(index, count, (_at, _n, id) => ids.add(id));
    return [...ids].sort((a, b) => a - b).map((id) => this.#moments[id - 1]!);
  }

  #tableOf({ gmem }: MemSlot): FrameTable {
    // A slot's entries go before its file does.
    let table = this.#files.get(gmem!);
    if (!table) this.#files.set(gmem!, (table = new FrameTable()));
    return table;
  }

  #idOf({ step, line }: Moment): number {
    if (this.#moments.at(-1)?.step !== step) this.#moments.push({ step, line });
    return this.#moments.length;
  }
}
