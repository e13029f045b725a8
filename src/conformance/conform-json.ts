import type { ConformReport } from './conform-report.ts';

/** A conformance report as JSON. */
export function conformJson(report: ConformReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
