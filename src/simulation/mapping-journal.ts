import { LaneSet } from '../kernel/lane-set.ts';
import type { Inode } from '../kernel/inode.ts';
import type { KvmHooks } from '../kvm/hooks.ts';
import type { MemSlot } from '../kvm/memslot.ts';
import type { Lane } from '../units/lanes.ts';

/** A step of the script: its number and its line in the file. */
export interface Moment {
  step: number;
  line: number;
}

/** Pages of a file that one step mapped and that still have their entries. */
interface Mapped {
  at: Moment;
  pages: LaneSet;
}

/** In which step each page of a gmem got its second-level entry: a book of the engine's, for worlds in which pages may lose their frames. */
export class MappingJournal {
  readonly #files = new Map<Inode, Mapped[]>();

  /** Hooks that keep the book before they do what the given ones do; `now` is the step that is being run. */
  around(hooks: KvmHooks, now: () => Moment): KvmHooks {
    return {
      ...hooks,
      tdpMapped: (slot, pages) => {
        const mapped = this.#pagesOf(slot, now());
        pages.forEachLane((index, count, stride) => mapped.addLane({ index, count, stride }));
        hooks.tdpMapped(slot, pages);
      },
      tdpZapped: (slot, pages) => {
        // A slot's entries go before its file does.
        const steps = this.#files.get(slot.gmem!)!;
        for (const mapped of steps) {
          pages.forEachLane((index, count, stride) => mapped.pages.removeLane({ index, count, stride }));
        }
        if (steps.some((step) => step.pages.size === 0)) {
          this.#files.set(
            slot.gmem!,
            steps.filter((step) => step.pages.size > 0),
          );
        }
        hooks.tdpZapped(slot, pages);
      },
    };
  }

  /** The steps that mapped pages of a lane, in order. */
  stepsOf(inode: Inode, lane: Lane): Moment[] {
    const steps = this.#files.get(inode) ?? [];
    return steps.filter(({ pages }) => pages.among(lane, true).length > 0).map(({ at }) => at);
  }

  #pagesOf({ gmem }: MemSlot, { step, line }: Moment): LaneSet {
    let steps = this.#files.get(gmem!);
    if (!steps) this.#files.set(gmem!, (steps = []));
    let last = steps.at(-1);
    if (last?.at.step !== step) steps.push((last = { at: { step, line }, pages: new LaneSet() }));
    return last.pages;
  }
}
