import type { GmemMigration } from '../kernel/gmem-stretch.ts';
import { blocksOf } from '../kernel/compact.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { HUGE_ORDER } from '../kernel/huge-frames.ts';
import type { MovedFile, MoverRecord } from '../result/types.ts';
import type { Step } from '../scenario/types.ts';
import { offPolicyNodes } from './readers/truth-facts.ts';
import type { World } from './world.ts';

/** What a mover is measured by. */
interface Gauge {
  hugeBlocks: number[];
  offlined: number[];
  offPolicyPages: number | null;
}

/** Files of the machine whose writing moves pages. */
const MOVING_FILE = /\/(compact_memory|compact|soft_offline_page|cpuset\.mems|nr_hugepages(_mempolicy)?)$/;

/** Whether a step asks mm to move pages: only these are measured, since measuring looks at all free memory. */
function isMover(step: Step): boolean {
  switch (step.verb) {
    case 'compact':
    case 'offline':
    case 'offline_node':
    case 'migratepages':
    case 'move_pages':
    case 'soft_offline':
    case 'exec':
      return true;
    case 'write':
      return MOVING_FILE.test(step.args.path);
    case 'cgroup limit':
      return MOVING_FILE.test(`/${step.args.file}`);
    case 'cgroup move':
      return true;
    case 'mbind':
    case 'gmem policy':
      return step.args.move;
    default:
      return false;
  }
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
    const before = isMover(step) ? this.#gauge() : null;
    const result = run();
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    if (!before && outcomes.length === 0) return result;
    const after = this.#gauge();
    const record: MoverRecord = {
      ...this.#world.at,
      files: sums(outcomes),
      gainedHugeBlocks: before
        ? difference(before.hugeBlocks, after.hugeBlocks)
        : after.hugeBlocks.map(() => 0),
      offlinedBlocks: before ? difference(before.offlined, after.offlined) : after.offlined.map(() => 0),
      rehomedPages: before ? (before.offPolicyPages ?? 0) - (after.offPolicyPages ?? 0) : 0,
    };
    const isNews = [...record.gainedHugeBlocks, ...record.offlinedBlocks, record.rehomedPages].some(
      (n) => n !== 0,
    );
    if (record.files.length > 0 || isNews) this.records.push(record);
    return result;
  }

  #gauge(): Gauge {
    const { kernel } = this.#world;
    return {
      hugeBlocks: kernel.nodes.map((node) =>
        node.zones.reduce((sum, zone) => sum + blocksOf(zone, HUGE_ORDER), 0),
      ),
      offlined: [...kernel.offlined],
      offPolicyPages: offPolicyPages(this.#world, kernel),
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
  for (const { inode, reason, moved, failed, errno } of outcomes) {
    if (moved + failed === 0) continue;
    const key = JSON.stringify([inode.id, reason]);
    const row = out.get(key) ?? { object: inode.name, reason, movedPages: 0, failedPages: 0, errnos: [] };
    row.movedPages += moved;
    row.failedPages += failed;
    if (errno !== 0 && !row.errnos.includes(errno)) row.errnos.push(errno);
    out.set(key, row);
  }
  return [...out.values()];
}
