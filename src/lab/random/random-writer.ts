import type { Scenario } from '../../scenario/types.ts';
import { formatSize, PAGE_SIZE, PAGES_PER_PMD } from '../../units/pages.ts';
import { Dice } from './dice.ts';
import {
  emptyState,
  newWorker,
  type KnownObject,
  type KnownWorker,
  type ScriptState,
} from './script-state.ts';

/** What a random script is made for. */
export interface RandomScriptRequest {
  seed: number;
  kernel: Scenario['kernel'];
  /** Nodes of the machine, each with one CPU of its number. */
  nodes: number;
  /** Lines beside the snapshots. */
  length: number;
}

/** Sizes of objects in pages: one page, and below, at and above the borders of tables and blocks, up to 64 MiB. */
const SIZES = [1, 3, 16, 255, 512, 513, 700, 1024, 1536, 2048, 4096, 8192, 16_384] as const;

/** Draws lines of a script, and remembers what they make. */
export class RandomWriter {
  readonly dice: Dice;
  readonly state: ScriptState;
  readonly request: RandomScriptRequest;
  readonly lines: string[] = [];

  constructor(request: RandomScriptRequest) {
    this.request = request;
    const dice = new Dice(request.seed);
    this.dice = dice;
    const limits = dice.oneIn(3);
    this.state = emptyState({
      thp: dice.oneIn(2),
      hugetlb: dice.oneIn(3),
      limits,
      swap: limits && dice.oneIn(2),
      mount: dice.oneIn(4),
    });
  }

  /** Adds a line of a worker; w0 need not be named. */
  by(worker: KnownWorker, line: string): void {
    this.lines.push(worker.name === 'w0' && !this.dice.oneIn(4) ? line : `${worker.name}: ${line}`);
  }

  /** Starts a worker. */
  spawn(): void {
    const name = `w${this.state.workerCount++}`;
    this.lines.push(`spawn ${name}`);
    this.state.workers.push(newWorker(name, true));
  }

  newName(): string {
    return `o${this.state.objectCount++}`;
  }

  newSize(): number {
    return this.dice.pick(SIZES)!;
  }

  /** Nodes as a list: one, some, or all of the machine's. */
  nodeList(): string {
    const { nodes } = this.request;
    const some = Array.from({ length: nodes }, (_, nid) => nid).filter(() => this.dice.oneIn(2));
    return some.length === 0 ? String(this.dice.below(nodes)) : some.join(',');
  }

  node(): number {
    return this.dice.below(this.request.nodes);
  }

  /** A policy that the kernel takes, as MODE[=FLAG] [NODES]. */
  policy(): string {
    const mode = this.dice.one([
      'default',
      'local',
      'bind',
      'bind',
      'interleave',
      'interleave',
      'preferred',
      'prefmany',
      'winterleave',
    ]);
    if (mode === 'default' || mode === 'local') return mode;
    const flag = this.dice.oneIn(6) ? `=${this.dice.one(['static', 'relative'])}` : '';
    return `${mode}${flag} ${this.nodeList()}`;
  }

  /** A range of a mapping as OFF LEN; of huge pages mostly whole ones. */
  rangeOf({ mapped, isHugetlb }: KnownObject): string {
    const { dice, state } = this;
    const isWhole = isHugetlb ? !dice.oneIn(6) : state.themes.thp && dice.oneIn(2);
    if (!isWhole || mapped < PAGES_PER_PMD) return this.range(mapped);
    const blocks = Math.ceil(mapped / PAGES_PER_PMD);
    const from = dice.oneIn(2) ? 0 : dice.below(blocks);
    const length = dice.oneIn(3) ? blocks - from : 1 + dice.below(blocks - from);
    const pages = Math.min(length * PAGES_PER_PMD, mapped - from * PAGES_PER_PMD);
    return `${size(from * PAGES_PER_PMD)} ${size(pages)}`;
  }

  /** A range of an object as OFF LEN: all of it, a part, now and then beyond its end or between two pages. */
  range(pages: number, { mayFail = false }: { mayFail?: boolean } = {}): string {
    const { dice } = this;
    const from = dice.oneIn(2) ? 0 : dice.below(pages);
    const length = dice.oneIn(3) ? pages - from : 1 + dice.below(pages - from);
    if (mayFail && dice.oneIn(12)) return `${size(from)} ${size(pages + 5)}`;
    if (mayFail && dice.oneIn(12)) return `${from * PAGE_SIZE + 512} ${size(length)}`;
    if (mayFail && dice.oneIn(16))
      return `${size(from)} ${dice.oneIn(2) ? '0' : String(length * PAGE_SIZE + 100)}`;
    return `${size(from)} ${size(length)}`;
  }

  worker(): KnownWorker {
    return this.dice.pick(this.state.workers)!;
  }

  /** One of a worker's objects that fits; undefined when there is none. */
  object(worker: KnownWorker, fits: (object: KnownObject) => boolean): KnownObject | undefined {
    return this.dice.pick(worker.objects.filter(fits));
  }
}

/** Pages as a size of the step language. */
export const size = (pages: number): string =>
  pages % 256 === 0 && pages > 0 ? formatSize(pages * PAGE_SIZE) : `${pages}p`;
