/** Every `stride`-th number from `index` on, `count` of them: what one node holds of an interleaved range. */
export interface Lane {
  readonly index: number;
  readonly count: number;
  readonly stride: number;
}

/** First number behind a lane. */
export const endOf = ({ index, count, stride }: Lane): number => index + (count - 1) * stride + 1;

/** The part of a lane that lies in [from, to); null when none does. */
export function clipLane(lane: Lane, from: number, to: number): Lane | null {
  const first = Math.max(0, Math.ceil((from - lane.index) / lane.stride));
  const last = Math.min(lane.count, Math.ceil((to - lane.index) / lane.stride));
  return first < last ? partOfLane(lane, first, last - first) : null;
}

/** `count` numbers of a lane, beginning with the one at place `first`. */
export const partOfLane = ({ index, stride }: Lane, first: number, count: number): Lane => ({
  index: index + first * stride,
  count,
  stride,
});

/** The numbers that two lanes have in common, which are a lane, too; null when there are none. */
export function meetLanes(a: Lane, b: Lane): Lane | null {
  const clipped = clipLane(a, b.index, endOf(b));
  if (!clipped || b.stride === 1) return clipped;
  // Membership of b repeats after this many numbers of a.
  const cycle = b.stride / gcd(a.stride, b.stride);
  for (let k = 0; k < Math.min(cycle, clipped.count); k++) {
    const at = clipped.index + k * clipped.stride;
    if ((at - b.index) % b.stride !== 0) continue;
    return { index: at, count: Math.ceil((clipped.count - k) / cycle), stride: cycle * clipped.stride };
  }
  return null;
}

/** What is left of a lane without the numbers of another one. */
export function subtractLane(lane: Lane, other: Lane): Lane[] {
  const gone = meetLanes(lane, other);
  if (!gone) return [lane];
  const { index, stride } = lane;
  const first = (gone.index - index) / stride;
  const step = gone.count === 1 ? 1 : gone.stride / stride;
  const out: Lane[] = [];
  if (first > 0) out.push(partOfLane(lane, 0, first));
  for (let r = 1; r < step; r++) {
    out.push({ index: index + (first + r) * stride, count: gone.count - 1, stride: gone.stride });
  }
  const behind = first + (gone.count - 1) * step + 1;
  if (behind < lane.count) out.push(partOfLane(lane, behind, lane.count - behind));
  return out;
}

/** Makes one lane of neighbours in a list that continue each other, single numbers at even distances among them. */
export function joinLanes(lanes: Iterable<Lane>, widest: number): Lane[] {
  const out: Lane[] = [];
  for (const lane of lanes) {
    const last = out.at(-1);
    const gap = last ? lane.index - last.index - (last.count - 1) * last.stride : 0;
    const isJoined =
      last !== undefined &&
      gap > 0 &&
      gap <= widest &&
      (last.count === 1 || last.stride === gap) &&
      (lane.count === 1 || lane.stride === gap);
    if (!isJoined) out.push(lane);
    else out[out.length - 1] = { index: last.index, count: last.count + lane.count, stride: gap };
  }
  return out;
}

export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
