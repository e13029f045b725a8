import type { Inode } from './inode.ts';
import type { Memcg } from './memcg.ts';

/** What a frame is used for. */
export type FolioKind = 'anon' | 'shmem' | 'gmem' | 'file' | 'hugetlb' | 'kernel';

/** All that frames in the same role share: mapping, memcg and flags of struct page, and who allocated them (for the truth). */
export interface FolioClass {
  readonly id: number;
  readonly kind: FolioKind;
  readonly inode: Inode | null;
  /** The group that was charged; moves to the parent where removal reparents. */
  memcg: Memcg;
  /** Worker whose thread allocated the frame. */
  readonly allocator: string;
  readonly dirty: boolean;
  /** PG_mlocked. */
  readonly mlocked: boolean;
  /** 0 for single pages; 9 for pages of a 2 MiB folio. */
  readonly order: number;
  readonly age: LruAge;
  /** What an anonymous folio carries by itself, whatever the entries that map it say: REFERENCED, DIRTIED, COLLAPSED. */
  readonly marks: number;
}

/** PG_referenced: the kernel looked the page up (mm/gup.c with FOLL_TOUCH), for a guest or to populate a mapping. */
export const REFERENCED = 1;
/** PG_dirty: a guest wrote to it, or the entries that it was dirty by have been replaced (migration, the split of a huge page). */
export const DIRTIED = 2;

/** No fault made it, but khugepaged or MADV_COLLAPSE: faults of 7.3 set PG_referenced, these don't. */
export const COLLAPSED = 4;

/**
 * What reclaim has made of a folio: `young` belongs to the newest generations; `old` was passed over by a scan and not touched since;
 * `touched` was, and counts as inactive all the same until the next scan. `lazy` is anonymous memory that its owner has given up (MADV_FREE):
 * it waits on the list of old page cache, and goes without being written unless it is written to before.
 */
export type LruAge = 'young' | 'old' | 'touched' | 'lazy';

/** Interns folio classes; id 0 means "free". */
export class FolioClasses {
  readonly #byId: (FolioClass | null)[] = [null];
  readonly #byKey = new Map<string, FolioClass>();
  #last: FolioClass | null = null;

  get(id: number): FolioClass {
    const found = this.#byId[id];
    if (!found) throw new Error(`no folio class ${id}`);
    return found;
  }

  of(
    kind: FolioKind,
    inode: Inode | null,
    memcg: Memcg,
    allocator: string,
    dirty: boolean,
    mlocked = false,
    order = 0,
    age: LruAge = 'young',
    marks = 0,
  ): FolioClass {
    const last = this.#last;
    if (
      last &&
      last.kind === kind &&
      last.inode === inode &&
      last.memcg === memcg &&
      last.allocator === allocator &&
      last.dirty === dirty &&
      last.mlocked === mlocked &&
      last.order === order &&
      last.age === age &&
      last.marks === marks
    )
      return last;
    const key = keyOf({ kind, inode, memcg, allocator, dirty, mlocked, order, age, marks });
    let found = this.#byKey.get(key);
    if (!found) {
      found = { id: this.#byId.length, kind, inode, memcg, allocator, dirty, mlocked, order, age, marks };
      this.#byId.push(found);
      this.#byKey.set(key, found);
    }
    this.#last = found;
    return found;
  }

  /** Same class, dirty. */
  dirtied(id: number): number {
    const c = this.get(id);
    return c.dirty ? id : this.#but(c, { dirty: true });
  }

  /** Same class with PG_mlocked set or clear. */
  withMlock(id: number, mlocked: boolean): number {
    const c = this.get(id);
    if (c.mlocked === mlocked) return id;
    return this.#but(c, { mlocked });
  }

  /** Same class for the single pages that a huge folio is split into. */
  split(id: number): number {
    const c = this.get(id);
    return this.#but(c, { order: 0, marks: c.marks | (c.kind === 'anon' && c.dirty ? DIRTIED : 0) });
  }

  /** Same class with marks added. */
  marked(id: number, marks: number): number {
    const c = this.get(id);
    return (c.marks & marks) === marks ? id : this.#but(c, { marks: c.marks | marks });
  }

  /** Same class with another age. */
  aged(id: number, age: LruAge): number {
    const c = this.get(id);
    if (c.age === age) return id;
    return this.#but(c, { age });
  }

  #but(c: FolioClass, changes: Partial<FolioClass>): number {
    const { kind, inode, memcg, allocator, dirty, mlocked, order, age, marks } = { ...c, ...changes };
    return this.of(kind, inode, memcg, allocator, dirty, mlocked, order, age, marks).id;
  }

  /** Gives every class of a group to another one (mm/memcontrol.c:memcg_reparent_objcgs, 7.3). */
  reparent(from: Memcg, to: Memcg): void {
    for (const folioClass of this.#byId) if (folioClass && folioClass.memcg === from) folioClass.memcg = to;
    this.#byKey.clear();
    this.#last = null;
    for (const folioClass of this.#byId) if (folioClass) this.#byKey.set(keyOf(folioClass), folioClass);
  }
}

function keyOf({
  kind,
  inode,
  memcg,
  allocator,
  dirty,
  mlocked,
  order,
  age,
  marks,
}: Omit<FolioClass, 'id'>): string {
  return `${kind}|${order}|${age}|${marks}|${inode ? inode.id : ''}|${memcg.id}|${dirty ? 1 : 0}|${mlocked ? 1 : 0}|${allocator}`;
}
