/** A name of a strategy expression with the options written behind it, as text. */
export interface Term {
  name: string;
  options: { key: string; text: string }[];
}

/** What is wrong with an expression, in words for its author. */
export class ExpressionError extends Error {
  override name = 'ExpressionError';
}

const TERM = /^([^{}]*)(?:\{([^{}]*)\})?$/;

/** Splits `a+b{x=1,y=2}` into its terms. Throws ExpressionError. */
export function parseTerms(expression: string): Term[] {
  return splitOutsideBraces(expression).map((text): Term => {
    const [, name, options] = TERM.exec(text.trim()) ?? [];
    if (name === undefined) {
      throw new ExpressionError(`braces do not match in "${text.trim()}"; write NAME{option=value,...}`);
    }
    if (name.trim() === '') {
      throw new ExpressionError('a name is missing; write NAME or NAME+NAME{option=value,...}');
    }
    return { name: name.trim(), options: options === undefined ? [] : parseOptions(name.trim(), options) };
  });
}

/** A `+` inside braces belongs to a value. */
function splitOutsideBraces(expression: string): string[] {
  return expression.split(/\+(?![^{]*\})/);
}

function parseOptions(name: string, text: string): Term['options'] {
  const options: Term['options'] = [];
  if (text.trim() === '') return options;
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, equals).trim();
    if (equals < 0 || key === '') {
      throw new ExpressionError(`"${part.trim()}" in ${name}{...} is no option; write option=value`);
    }
    if (options.some((option) => option.key === key)) {
      throw new ExpressionError(`option "${key}" of ${name} is given twice`);
    }
    options.push({ key, text: part.slice(equals + 1).trim() });
  }
  return options;
}
