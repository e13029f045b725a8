/** What the command's exit status says. */
export const EXIT = {
  /** All asked checks passed. */
  passed: 0,
  /** An assertion, a baseline, a field or a law failed, or a strategy threw. */
  findings: 1,
  /** Wrong usage or input; nothing ran, nothing was written. */
  input: 2,
  /** A defect of this program. */
  internal: 3,
  /** No verdict: a tool, a capture or a limit stands in the way. */
  noVerdict: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** The worst of several verdicts: a finding outweighs a check that could not be made. */
export function worstExit(codes: Iterable<number>): number {
  const all = new Set(codes);
  if (all.has(EXIT.findings)) return EXIT.findings;
  return all.has(EXIT.noVerdict) ? EXIT.noVerdict : EXIT.passed;
}
