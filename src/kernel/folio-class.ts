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
}

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
      last.age === age
    )
      return last;
    const key = keyOf({ kind, inode, memcg, allocator, dirty, mlocked, order, age });
    let found = this.#byKey.get(key);
    if (!found) {
      found = { id: this.#byId.length, kind, inode, memcg, allocator, dirty, mlocked, order, age };
      this.#byId.push(found);
      this.#byKey.set(key, found);
    }
    this.#last = found;
    return found;
  }

  /** Same class, dirty. */
  dirtied(id: number): number {
    const c = this.get(id);
    return c.dirty ? id : this.of(c.kind, c.inode, c.memcg, c.allocator, true, c.mlocked, c.order, c.age).id;
  }

  /** Same class with PG_mlocked set or clear. */
  withMlock(id: number, mlocked: boolean): number {
    const c = this.get(id);
    if (c.mlocked === mlocked) return id;
    return this.of(c.kind, c.inode, c.memcg, c.allocator, c.dirty, mlocked, c.order, c.age).id;
  }

  /** Same class for the single pages that a huge folio is split into. */
  split(id: number): number {
    const c = this.get(id);
    return this.of(c.kind, c.inode, c.memcg, c.allocator, c.dirty, c.mlocked, 0, c.age).id;
  }

  /** Same class with another age. */
  aged(id: number, age: LruAge): number {
    const c = this.get(id);
    if (c.age === age) return id;
    return this.of(c.kind, c.inode, c.memcg, c.allocator, c.dirty, c.mlocked, c.order, age).id;
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
}: Omit<FolioClass, 'id'>): string {
  return `${kind}|${order}|${age}|${inode ? inode.id : ''}|${memcg.id}|${dirty ? 1 : 0}|${mlocked ? 1 : 0}|${allocator}`;
}
