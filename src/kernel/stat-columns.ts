/** Named counters, each split over nodes, in one flat column: what vmstat and memory.stat are made of. Values never go below zero. */
export class StatColumns<Name extends string> {
  readonly names: readonly Name[];
  readonly #owner: string;
  readonly #nodes: number;
  readonly #values: Float64Array;

  constructor(config: { owner: string; names: readonly Name[]; nodes: number }) {
    this.names = config.names;
    this.#owner = config.owner;
    this.#nodes = config.nodes;
    this.#values = new Float64Array(config.names.length * config.nodes);
  }

  /** Adds to the counter at a position in `names`. Throws when it would become negative: something was undone twice. */
  add(at: number, nid: number, amount: number): void {
    const slot = at * this.#nodes + nid;
    const value = this.#values[slot]! + amount;
    if (value < 0) throw new Error(`${this.#owner}: ${this.names[at]} of node ${nid} would be ${value}`);
    this.#values[slot] = value;
  }

  get(at: number, nid: number): number {
    return this.#values[at * this.#nodes + nid]!;
  }
}

/** Position of each name in its list. */
export function positions<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, at) => [name, at])) as Record<Name, number>;
}
