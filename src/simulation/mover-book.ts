import type { GmemMigration } from '../kernel/gmem-stretch.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { HUGE_ORDER } from '../kernel/huge-frames.ts';
import type { MovedFile, MoverRecord } from '../result/types.ts';
import type { Step } from '../scenario/types.ts';
import { askedPages, moverOf } from './mover-of-step.ts';
import { offPolicyNodes } from './readers/truth-facts.ts';
import type { World } from './world.ts';

/** What a mover is measured by. */
interface Gauge {
  hugeBlocks: number[];
  offlined: number[];
  offPolicyPages: number | null;
  privatePages: number;
}

/** What movers did: how much private memory they moved and how much they could not, and what was gained by it. */
export class MoverBook {
  readonly records: MoverRecord[] = [];
  readonly #world: World;
  #outcomes: GmemMigration[] = [];

  constructor(config: { world: World }) {
    this.#world = config.world;
    config.world.kernel.gmemMigrated = (outcome) => this.#outcomes.push(outcome);
  }

  /** Runs a step; a mover that did something leaves a record. */
  around<T>(step: Step, run: () => T): T {
    // Only movers are measured, since measuring looks at all free memory.
    const mover = moverOf(step);
    const asked = mover === null ? null : askedPages(this.#world, step);
    const before = mover === null ? null : this.#gauge();
    const result = run();
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    if (!before && outcomes.length === 0) return result;
    const after = this.#gauge();
    const files = sums(outcomes);
    const moved = files.reduce((sum, { movedPages }) => sum + movedPages, 0);
    const record: MoverRecord = {
      ...this.#world.at,
      mover: mover ?? 'allocation',
      askedPages: mover === 'cpuset' ? (askedPages(this.#world, step) ?? 0) + moved : asked,
      lostPages: before ? Math.max(0, before.privatePages - after.privatePages) : 0,
      files,
      gainedHugeBlocks: before
        ? difference(before.hugeBlocks, after.hugeBlocks)
        : after.hugeBlocks.map(() => 0),
      offlinedBlocks: before ? difference(before.offlined, after.offlined) : after.offlined.map(() => 0),
      // What is lost is no longer off policy, and has come nowhere.
      rehomedPages: before && moved > 0 ? (before.offPolicyPages ?? 0) - (after.offPolicyPages ?? 0) : 0,
    };
    const isNews = [...record.gainedHugeBlocks, ...record.offlinedBlocks, record.rehomedPages].some(
      (n) => n !== 0,
    );
    const isAsked = (record.askedPages ?? 0) > 0 || record.lostPages > 0;
    if (files.length > 0 || isAsked || isNews) this.records.push(record);
    return result;
  }

  #gauge(): Gauge {
    const { kernel } = this.#world;
    return {
      hugeBlocks: kernel.nodes.map((node) =>
        node.zones.reduce((sum, zone) => sum + zone.freeBlocks(HUGE_ORDER), 0),
      ),
      offlined: [...kernel.offlined],
      offPolicyPages: offPolicyPages(this.#world, kernel),
      privatePages: [...kernel.inodes].reduce(
        (sum, { kind, cache }) => sum + (kind === 'gmem' ? cache.size : 0),
        0,
      ),
    };
  }
}

function offPolicyPages(world: World, kernel: Kernel): number | null {
  let pages: number | null = null;
  for (const inode of kernel.inodes) {
    const off = inode.kind === 'gmem' ? offPolicyNodes(world, inode) : null;
    if (off) pages = off.reduce((sum, n) => sum + n, pages ?? 0);
  }
  return pages;
}

const difference = (before: readonly number[], after: readonly number[]): number[] =>
  after.map((value, at) => value - before[at]!);

/** Outcomes by file, mover and reason of refusal. */
function sums(outcomes: readonly GmemMigration[]): MovedFile[] {
  const out = new Map<string, MovedFile>();
  for (const { inode, reason, moved, failed, passed = 0, errno } of outcomes) {
    if (moved + failed + passed === 0) continue;
    const key = JSON.stringify([inode.id, reason]);
    const none = { movedPages: 0, failedPages: 0, passedPages: 0 };
    const row = out.get(key) ?? { object: inode.name, reason, ...none, errnos: [] };
    row.movedPages += moved;
    row.failedPages += failed;
    row.passedPages += passed;
    if (errno !== 0 && !row.errnos.includes(errno)) row.errnos.push(errno);
    out.set(key, row);
  }
  return [...out.values()];
}
