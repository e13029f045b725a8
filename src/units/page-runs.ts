/** Stretches of page indices of a file, in the order in which something happened to them; no page comes twice. */
export interface PageRuns {
  /** Pages in all. */
  readonly total: number;
  forEach(visit: (index: number, count: number) => void): void;
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
}
