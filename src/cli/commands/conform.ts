import { existsSync } from 'node:fs';
import { CaptureError, type Capture } from '../../conformance/capture.ts';
import type { CaptureResult } from '../../conformance/conform-capture.ts';
import { conformJson } from '../../conformance/conform-json.ts';
import { conformJunit } from '../../conformance/conform-junit.ts';
import { conformMd } from '../../conformance/conform-md.ts';
import { conformExitCode, conformReport, type ConformReport } from '../../conformance/conform-report.ts';
import { conformTable } from '../../conformance/conform-table.ts';
import { findCaptures, readCapture } from '../../conformance/read-capture.ts';
import { labelledReadings } from '../../report/labelled-readings.ts';
import { conformanceFiles } from '../conformance-files.ts';
import { EXIT } from '../exit-codes.ts';
import { InputError } from '../input-error.ts';
import { breathe } from '../interrupt.ts';
import { judgeCapture } from '../judge-capture.ts';
import { datasetPath } from '../package-root.ts';
import { say, showProgress } from '../progress.ts';
import { ReportDirectory } from '../report-directory.ts';
import { textOf, textsOf, type Arguments } from '../verb.ts';

const WRITERS: Readonly<Record<string, (report: ConformReport) => string>> = {
  table: (report) => conformTable(report),
  json: conformJson,
  md: (report) => conformMd(report, labelledReadings(report.verification)),
  junit: (report) => conformJunit(report),
};

/** `gmemlab conform`: the model against captures of real kernels. */
export async function conformCommand(args: Arguments): Promise<number> {
  const captures = readCaptures(textsOf(args, 'capture'));
  if (captures.length === 0) {
    say(`no captures: ${datasetPath('captures')} is only in the repository; name a directory with captures`);
    return EXIT.noVerdict;
  }
  const out = textOf(args, 'out');
  const directory = out === undefined ? null : new ReportDirectory(out);
  try {
    const report = conformReport(await judgeAll(captures));
    process.stdout.write(WRITERS[textOf(args, 'format')!]!(report));
    if (directory) {
      for (const [name, text] of conformanceFiles(report)) directory.write([name], text);
      await directory.commit();
      say(`wrote ${directory.fileCount} files to ${directory.name}`);
    }
    return conformExitCode(report);
  } catch (error) {
    directory?.discard();
    throw error;
  }
}

async function judgeAll(captures: readonly Capture[]): Promise<CaptureResult[]> {
  const results: CaptureResult[] = [];
  for (const capture of captures) {
    showProgress(`${capture.scenario} on ${capture.release}`);
    await breathe();
    results.push(judgeCapture(capture));
  }
  showProgress('');
  return results;
}

/** All captures below the given directories, or below the package's own. */
function readCaptures(given: readonly string[]): Capture[] {
  const problems: string[] = [];
  const captures: Capture[] = [];
  const roots = given.length > 0 ? given : [datasetPath('captures')].filter(existsSync);
  for (const root of roots) {
    try {
      if (!existsSync(root)) throw new CaptureError(root, '', 'no such directory');
      const dirs = findCaptures(root);
      if (dirs.length === 0)
        throw new CaptureError(root, '', 'holds no capture (a directory with steps.jsonl)');
      captures.push(...dirs.map(readCapture));
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  return captures;
}
