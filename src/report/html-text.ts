/** Markup that is safe to put into a page as it is. Only `html` and `raw` make it. */
export interface Html {
  readonly markup: string;
}

type Piece = Html | string | number | null | undefined | readonly (Html | string)[];

/** Text as HTML text or a quoted attribute's value. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Declares a string to be markup. For strings that this program wrote itself: style sheets, drawn pictures. */
export function raw(markup: string): Html {
  return { markup };
}

/** Template for markup: whatever is put into it is escaped, unless it is markup already; lists are strung together. */
export function html(strings: TemplateStringsArray, ...pieces: Piece[]): Html {
  let markup = strings[0] ?? '';
  pieces.forEach((piece, at) => {
    markup += render(piece) + (strings[at + 1] ?? '');
  });
  return { markup };
}

function render(piece: Piece): string {
  if (piece === null || piece === undefined) return '';
  if (typeof piece === 'string' || typeof piece === 'number') return escapeHtml(String(piece));
  if ('markup' in piece) return piece.markup;
  return piece.map(render).join('');
}
