import type { Inode } from '../kernel/inode.ts';
import { forEachLane } from '../kernel/page-allocator.ts';
import type { Process } from '../kernel/task.ts';
import type { FindingLink } from '../result/types.ts';
import type { Step } from '../scenario/types.ts';
import { PAGES_PER_PMD, pagesToKb } from '../units/pages.ts';
import type { Moment } from './mapping-journal.ts';
import type { World } from './world.ts';

/** What is known of a process: pages in its RSS that no page table of its own accounts for, and private pages that its page table does map. */
interface Book {
  counted: number;
  /** When it first counted any, and when it last came to count more. */
  firstAt: Moment | null;
  countedAt: Moment | null;
  hostMapped: number;
  hostMappedAt: Moment | null;
  /** The most that was counted twice so far. */
  twice: number;
  cgroup: string;
  leftAt: (Moment & { from: string }) | null;
  endedAt: Moment | null;
}

/**
 * Looks for private memory that counts twice for a process, or for nobody any more. The memcg of a page is a field of the page, which designs
 * may choose (chargeTo) and not add to, so that a memcg is never charged twice; the counters of a process can be: by a design and by a mapping
 * that the host has. They lose memory when the process ends and its file does not, and a memcg's limits when the group is removed.
 */
export class ChargeWatch {
  readonly #world: World;
  readonly #books = new Map<Process, Book>();
  /** When each file got its first pages. */
  readonly #filledAt = new Map<Inode, Moment>();
  /** Private memory charged to the group that the step removes. */
  #leaving: { inode: Inode; pages: number }[] = [];

  constructor(config: { world: World }) {
    this.#world = config.world;
  }

  beforeStep(step: Step): void {
    this.#leaving = step.verb === 'cgroup rm' ? this.#chargedTo(step.args.path) : [];
  }

  /** What the step that has just run did to books. */
  afterStep(step: Step): void {
    const gmems = this.#gmems();
    for (const inode of gmems) {
      if (inode.cache.size > 0 && !this.#filledAt.has(inode))
        this.#filledAt.set(inode, { ...this.#world.at });
    }
    if (this.#filledAt.size === 0) return;
    for (const process of this.#world.kernel.processes.values()) {
      if (!this.#books.has(process)) this.#books.set(process, newBook(process));
    }
    for (const [process, book] of this.#books) {
      if (process.isAlive) this.#look(process, book, gmems);
      else if (!book.endedAt) this.#ended(process, book, gmems);
    }
    if (step.verb === 'cgroup rm') this.#removed(step.args.path);
  }

  #look(process: Process, book: Book, gmems: readonly Inode[]): void {
    const { at } = this.#world;
    const mm = process.mm!;
    if (book.cgroup !== process.cgroup.path) {
      book.leftAt = { ...at, from: book.cgroup };
      book.cgroup = process.cgroup.path;
    }
    // Huge pages of the pool are in page tables and in no RSS.
    const ownPages = mm.pt.size - mm.hugetlbPages * PAGES_PER_PMD;
    const counted = Math.max(0, mm.rssPages - ownPages);
    if (counted > book.counted) {
      book.countedAt = { ...at };
      book.firstAt ??= book.countedAt;
    }
    book.counted = counted;
    const hostMapped = gmems.reduce((sum, inode) => sum + hostMappedPages(process, inode), 0);
    if (hostMapped > book.hostMapped) book.hostMappedAt = { ...at };
    book.hostMapped = hostMapped;
    // A design can count at most what there is; what the page table has is counted already.
    const there = gmems.reduce((sum, { cache }) => sum + cache.size, 0);
    const twice = Math.min(counted, counted - (there - hostMapped));
    if (twice <= book.twice) return;
    book.twice = twice;
    const who = process.worker;
    const chain: FindingLink[] = [];
    if (book.firstAt)
      chain.push({ ...book.firstAt, message: `private memory came to count in RSS of ${who}` });
    if (book.countedAt && book.countedAt.step !== book.firstAt?.step)
      chain.push({ ...book.countedAt, message: `more of it came to count, up to ${kb(counted)}` });
    if (book.hostMappedAt)
      chain.push({
        ...book.hostMappedAt,
        message: `${who} mapped ${kb(hostMapped)} of it, which RSS counts, too`,
      });
    chain.sort((a, b) => a.step - b.step);
    this.#world.report(
      'hazard',
      'counted-twice',
      `${kb(twice)} of private memory count twice in RSS of ${process.worker}`,
      chain,
    );
  }

  #ended(process: Process, book: Book, gmems: readonly Inode[]): void {
    const { at, kvm } = this.#world;
    book.endedAt = { ...at };
    if (book.counted === 0) return;
    for (const inode of gmems) {
      if (kvm.vmOfGmem.get(inode)?.process !== process || inode.cache.size === 0) continue;
      const size = kb(Math.min(book.counted, inode.cache.size));
      this.#world.report(
        'hazard',
        'uncounted-memory',
        `${size} of ${inode.name} counted for ${process.worker}, are still there, and count for nobody`,
        [
          ...(book.countedAt
            ? [{ ...book.countedAt, message: `they came to count in RSS of ${process.worker}` }]
            : []),
          { ...at, message: `the address space of ${process.worker} went, and a descriptor keeps the file` },
        ],
      );
    }
  }

  #removed(path: string): void {
    const { at, kernel, kvm } = this.#world;
    if (kernel.memcgs.has(path)) return;
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    for (const { inode, pages } of this.#leaving) {
      const process = kvm.vmOfGmem.get(inode)?.process;
      const book = process && this.#books.get(process);
      const filled = this.#filledAt.get(inode);
      const stay = kernel.profile.reparentsFolios ? `went to ${parent}` : `stays with ${path}`;
      const chain: FindingLink[] = [
        ...(filled ? [{ ...filled, message: `${inode.name} got pages, charged to ${path}` }] : []),
        ...(book?.leftAt?.from === path
          ? [
              {
                step: book.leftAt.step,
                line: book.leftAt.line,
                message: `${process!.worker} went to ${book.cgroup}, and no charge with it`,
              },
            ]
          : []),
        ...(book?.endedAt
          ? [
              {
                ...book.endedAt,
                message: `the address space of ${process!.worker} went, and a descriptor keeps the file`,
              },
            ]
          : []),
        { ...at, message: `${path} was removed; the charge ${stay}` },
      ];
      this.#world.report(
        'hazard',
        'orphaned-charge',
        `${kb(pages)} of ${inode.name} are charged to a cgroup that is gone: only limits above ${path} hold them`,
        chain,
      );
    }
  }

  #gmems(): Inode[] {
    return [...this.#world.kernel.inodes].filter(({ kind }) => kind === 'gmem');
  }

  #chargedTo(path: string): { inode: Inode; pages: number }[] {
    const { kernel } = this.#world;
    return this.#gmems().flatMap((inode) => {
      let pages = 0;
      inode.cache.forEach(0, inode.sizePages, (_at, n, period, lanes) => {
        forEachLane(n, period, lanes, (pfn, length) => {
          kernel.frames.forEach(pfn, length, (_start, count, id) => {
            const { memcg } = kernel.classes.get(id);
            if (memcg.path === path && !memcg.isDying) pages += count;
          });
        });
      });
      return pages > 0 ? [{ inode, pages }] : [];
    });
  }
}

const newBook = ({ cgroup }: Process): Book => ({
  counted: 0,
  firstAt: null,
  countedAt: null,
  hostMapped: 0,
  hostMappedAt: null,
  twice: 0,
  cgroup: cgroup.path,
  leftAt: null,
  endedAt: null,
});

/** Pages of a file in the page table of a process, those of shadow VMAs left out: their entries are the design's way to count. */
function hostMappedPages({ mm }: Process, inode: Inode): number {
  let pages = 0;
  for (const link of inode.mappings) {
    if (link.mm !== mm || link.vma.isShadow) continue;
    mm.pt.forEach(link.vma.start, link.vma.end - link.vma.start, (_at, n) => {
      pages += n;
    });
  }
  return pages;
}

const kb = (pages: number): string => `${pagesToKb(pages)} kB`;
