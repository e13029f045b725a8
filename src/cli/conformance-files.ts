import { conformJson } from '../conformance/conform-json.ts';
import { conformMd } from '../conformance/conform-md.ts';
import type { ConformReport } from '../conformance/conform-report.ts';
import { conformanceHtml } from '../report/conformance-html.ts';
import { labelledReadings } from '../report/labelled-readings.ts';

/** Files of a conformance report by name: the one document, and what is rendered from it. */
export function conformanceFiles(report: ConformReport): Map<string, string> {
  const readings = labelledReadings(report.verification);
  return new Map([
    ['conformance.json', conformJson(report)],
    ['report.md', conformMd(report, readings)],
    ['report.html', conformanceHtml(report, readings)],
  ]);
}
