import type { Inode } from './inode.ts';
import type { Memcg } from './memcg.ts';

/** What a frame is used for. */
export type FolioKind = 'anon' | 'shmem' | 'gmem' | 'file' | 'kernel';

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
}

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
  ): FolioClass {
    const last = this.#last;
    if (
      last &&
      last.kind === kind &&
      last.inode === inode &&
      last.memcg === memcg &&
      last.allocator === allocator &&
      last.dirty === dirty &&
      last.mlocked === mlocked
    )
      return last;
    const key = keyOf({ kind, inode, memcg, allocator, dirty, mlocked });
    let found = this.#byKey.get(key);
    if (!found) {
      found = { id: this.#byId.length, kind, inode, memcg, allocator, dirty, mlocked };
      this.#byId.push(found);
      this.#byKey.set(key, found);
    }
    this.#last = found;
    return found;
  }

  /** Same class, dirty. */
  dirtied(id: number): number {
    const c = this.get(id);
    return c.dirty ? id : this.of(c.kind, c.inode, c.memcg, c.allocator, true, c.mlocked).id;
  }

  /** Same class with PG_mlocked set or clear. */
  withMlock(id: number, mlocked: boolean): number {
    const c = this.get(id);
    return c.mlocked === mlocked ? id : this.of(c.kind, c.inode, c.memcg, c.allocator, c.dirty, mlocked).id;
  }

  /** Gives every class of a group to another one (mm/memcontrol.c:memcg_reparent_objcgs, 7.3). */
  reparent(from: Memcg, to: Memcg): void {
    for (const folioClass of this.#byId) if (folioClass && folioClass.memcg === from) folioClass.memcg = to;
    this.#byKey.clear();
    this.#last = null;
    for (const folioClass of this.#byId) if (folioClass) this.#byKey.set(keyOf(folioClass), folioClass);
  }
}

function keyOf({ kind, inode, memcg, allocator, dirty, mlocked }: Omit<FolioClass, 'id'>): string {
  return `${kind}|${inode ? inode.id : ''}|${memcg.id}|${dirty ? 1 : 0}|${mlocked ? 1 : 0}|${allocator}`;
}
