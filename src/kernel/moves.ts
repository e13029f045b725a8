/** Position of the first move that reaches behind a frame; moves are in the order of their old frames. */
export function firstMove(moves: readonly { from: number; count: number }[], pfn: number): number {
  let lo = 0;
  let hi = moves.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (moves[mid]!.from + moves[mid]!.count <= pfn) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}
