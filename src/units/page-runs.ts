import type { Lane } from './lanes.ts';

/** Page indices of a file, in the order in which something happened to them; no page comes twice. */
export interface PageRuns {
  /** Pages in all. */
  readonly total: number;
  /** Visits them as stretches without gaps. */
  forEach(visit: (index: number, count: number) => void): void;
  /** Visits them as lanes: `count` pages, each `stride` behind the one before. There are few, however many pages an interleaved range has. */
  forEachLane(visit: (index: number, count: number, stride: number) => void): void;
}

/** One contiguous stretch. */
export class OneRun implements PageRuns {
  readonly index: number;
  readonly total: number;

  constructor(index: number, count: number) {
    this.index = index;
    this.total = count;
  }

  forEach(visit: (index: number, count: number) => void): void {
    visit(this.index, this.total);
  }

  forEachLane(visit: (index: number, count: number, stride: number) => void): void {
    visit(this.index, this.total, 1);
  }
}

/** Pages at even distances. */
export class PageLane implements PageRuns, Lane {
  readonly index: number;
  readonly count: number;
  readonly stride: number;

  constructor({ index, count, stride }: Lane) {
    this.index = index;
    this.count = count;
    this.stride = stride;
  }

  get total(): number {
    return this.count;
  }

  forEach(visit: (index: number, count: number) => void): void {
    if (this.stride === 1) visit(this.index, this.count);
    else for (let k = 0; k < this.count; k++) visit(this.index + k * this.stride, 1);
  }

  forEachLane(visit: (index: number, count: number, stride: number) => void): void {
    visit(this.index, this.count, this.stride);
  }
}

/** Single pages in any order. The array belongs to the caller and must not be kept. */
export class SinglePages implements PageRuns {
  readonly indices: Float64Array;
  readonly total: number;

  constructor(indices: Float64Array, count: number = indices.length) {
    this.indices = indices;
    this.total = count;
  }

  forEach(visit: (index: number, count: number) => void): void {
    for (let i = 0; i < this.total; i++) visit(this.indices[i]!, 1);
  }

  forEachLane(visit: (index: number, count: number, stride: number) => void): void {
    for (let i = 0; i < this.total; i++) visit(this.indices[i]!, 1, 1);
  }
}
