/** What a distribution came to: amounts by position in `order`, and the position that is next. */
export interface Shares {
  amounts: number[];
  next: number;
}

/**
 * Hands out `wanted` units one by one in turns, passing over whoever has no room left. `room` and `amounts` go by position in the
 * cycle; the turn starts at position `first` and stays behind the last one that got something.
 */
export function takeTurns(wanted: number, room: readonly number[], first: number): Shares {
  const n = room.length;
  const amounts = room.map(() => 0);
  let next = n === 0 ? 0 : first % n;
  let active = Array.from({ length: n }, (_, k) => (next + k) % n).filter((at) => room[at]! > 0);
  while (wanted > 0 && active.length > 0) {
    const rounds = Math.min(...active.map((at) => room[at]! - amounts[at]!));
    const whole = Math.min(rounds, Math.floor(wanted / active.length));
    for (const at of active) amounts[at]! += whole;
    wanted -= whole * active.length;
    if (whole > 0) next = (active[active.length - 1]! + 1) % n;
    if (whole < rounds) {
      for (const at of active.slice(0, wanted)) {
        amounts[at]!++;
        next = (at + 1) % n;
      }
      break;
    }
    active = active.filter((at) => amounts[at]! < room[at]!);
  }
  return { amounts, next };
}
