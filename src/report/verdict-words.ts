import type { Evidence, Figure, RequirementVerdict } from '../analysis/requirement-types.ts';
import type { Thread } from '../analysis/threads.ts';
import { sizeText } from '../charts/size-text.ts';

/** A sign beside the words of a verdict: for pages, and for terminals. */
export const VERDICT_SIGNS: Readonly<Record<RequirementVerdict, { page: string; plain: string }>> = {
  met: { page: '✓', plain: '+' },
  partly: { page: '±', plain: '~' },
  'not met': { page: '✗', plain: 'x' },
  'not tried': { page: '–', plain: ' ' },
};

/** What `not tried` means, and where verdicts come from. */
export const VERDICT_NOTE: string =
  'Every verdict is computed from this run: met, partly or not met over all of its snapshots that can tell, with the worst one shown; ' +
  'not tried: nothing in the scenario puts the requirement to the test.';

/** Title of the section about pages off policy and those who could bring them home. */
export const PLACEMENT_TITLE = 'Off policy, and what movers did about it';

/** The number behind a verdict in words: `83.3 MiB of 40.1 GiB in VmRSS of qemu`. */
export function figureText({ value, of, unit, words }: Figure): string {
  switch (unit) {
    case 'kB':
      return `${sizeText(value)}${of === null ? '' : ` of ${sizeText(of)}`} ${words}`;
    case 'count':
    case 'per page':
      return `${value} ${words}`;
  }
}

/** Where a verdict shows: `step 23, line 45, snapshot booted`. */
export const evidenceText = ({ step, line, snapshot }: Evidence): string =>
  `step ${step}, line ${line}${snapshot === null ? '' : `, snapshot ${snapshot}`}`;

export const threadText = ({ title, date, where }: Thread): string => `${title} (${date}; ${where})`;
