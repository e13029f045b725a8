/** A unit for an axis: its name and how many kB one of it is. */
export interface SizeUnit {
  name: string;
  kb: number;
}

const UNITS: readonly SizeUnit[] = [
  { name: 'TiB', kb: 1024 ** 3 },
  { name: 'GiB', kb: 1024 ** 2 },
  { name: 'MiB', kb: 1024 },
  { name: 'kB', kb: 1 },
];

/** The largest unit of which a size (kB, sign ignored) holds at least one; kB (1024 bytes, as /proc says it) for small sizes. */
export function sizeUnit(kb: number): SizeUnit {
  const size = Math.abs(kb);
  return UNITS.find((unit) => size >= unit.kb) ?? { name: 'kB', kb: 1 };
}

/** A size in kB in words: `40.1 GiB`, `83.3 MiB`, `12 kB`. One decimal, whole kB. */
export function sizeText(kb: number): string {
  const unit = sizeUnit(kb);
  return `${minus(unit.kb === 1 ? String(Math.round(kb)) : (kb / unit.kb).toFixed(1))} ${unit.name}`;
}

/** A signed difference in kB in words: `−40.0 GiB`, `+4 kB`; no difference is `exact`. */
export function errorText(kb: number): string {
  if (kb === 0) return 'exact';
  return kb > 0 ? `+${sizeText(kb)}` : sizeText(kb);
}

/** A number of a given unit without the unit's name, for labels beside an axis that names it. */
export function inUnit(kb: number, unit: SizeUnit): string {
  return minus(unit.kb === 1 ? String(Math.round(kb)) : (kb / unit.kb).toFixed(1));
}

/** U+2212 is as wide as the plus sign and can't be read as a dash. */
const minus = (text: string): string => text.replace('-', '\u2212');
