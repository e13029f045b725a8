import type { ConformReport } from './conform-report.ts';

/** A conformance report as JSON; an object that holds no other is one line. */
export function conformJson(report: ConformReport): string {
  // Line breaks stand only between the values, since JSON writes those of a text as \n.
  const text = JSON.stringify(report, null, 1).replaceAll(/\{[^{}[\]]*\}/g, (leaf) =>
    leaf.replaceAll(/\s*\n\s*/g, ' '),
  );
  return `${text}\n`;
}
