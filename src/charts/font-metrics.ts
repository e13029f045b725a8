/** Width of a text, in units of the font size. */
export type TextWidth = (text: string) => number;

/**
 * Reads advance widths out of a TrueType file (tables head, hhea, hmtx and cmap format 4), so that labels are measured by
 * the very font they are drawn in and no canvas is needed. Characters the font lacks count as its missing glyph.
 * Throws when the file has no such tables.
 */
export function fontMetrics(bytes: Uint8Array): TextWidth {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tables = new Map<string, number>();
  for (let at = 0; at < view.getUint16(4); at++) {
    const entry = 12 + at * 16;
    const tag = String.fromCharCode(...bytes.subarray(entry, entry + 4));
    tables.set(tag, view.getUint32(entry + 8));
  }
  const start = (tag: string): number => {
    const offset = tables.get(tag);
    if (offset === undefined) throw new Error(`font has no ${tag} table`);
    return offset;
  };
  const unitsPerEm = view.getUint16(start('head') + 18);
  const metricCount = view.getUint16(start('hhea') + 34);
  const hmtx = start('hmtx');
  const glyphOf = characterMap(view, start('cmap'));
  return (text) => {
    let width = 0;
    for (const character of text) {
      const glyph = Math.min(glyphOf(character.codePointAt(0) ?? 0), metricCount - 1);
      width += view.getUint16(hmtx + glyph * 4);
    }
    return width / unitsPerEm;
  };
}

/** The format 4 subtable: segments of character codes, each with a delta or an index into a glyph array. */
function characterMap(view: DataView, cmap: number): (code: number) => number {
  let table = -1;
  for (let at = 0; at < view.getUint16(cmap + 2); at++) {
    const offset = cmap + view.getUint32(cmap + 4 + at * 8 + 4);
    if (view.getUint16(offset) === 4) table = offset;
  }
  if (table < 0) throw new Error('font has no cmap of format 4');
  const doubled = view.getUint16(table + 6);
  const ends = table + 14;
  const starts = ends + doubled + 2;
  const deltas = starts + doubled;
  const ranges = deltas + doubled;
  return (code) => {
    for (let at = 0; at < doubled; at += 2) {
      if (code > view.getUint16(ends + at)) continue;
      const first = view.getUint16(starts + at);
      if (code < first) return 0;
      const delta = view.getUint16(deltas + at);
      const range = view.getUint16(ranges + at);
      if (range === 0) return (code + delta) & 0xffff;
      const glyph = view.getUint16(ranges + at + range + (code - first) * 2);
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  };
}
