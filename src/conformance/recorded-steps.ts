import { CaptureError, type RecordedStep } from './capture.ts';

const KEYS = {
  n: 'number',
  who: 'string',
  step: 'string',
  ret: 'number',
  errno: 'string',
  msg: 'string',
} as const;

/** Reads steps.jsonl: one JSON object a line, numbered from 1 without gaps. `file` is the name errors use. */
export function parseRecordedSteps(file: string, text: string): RecordedStep[] {
  return text
    .split('\n')
    .filter((line, at, lines) => line !== '' || at < lines.length - 1)
    .map((line, at) => {
      const place = `line ${at + 1}`;
      const step = parseLine(file, place, line);
      if (step.n !== at + 1) throw new CaptureError(file, place, `expected step ${at + 1}, not ${step.n}`);
      return step;
    });
}

function parseLine(file: string, place: string, line: string): RecordedStep {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw Object.assign(new CaptureError(file, place, `is no JSON: ${line}`), { cause });
  }
  const found = (value ?? {}) as Record<string, unknown>;
  for (const [key, type] of Object.entries(KEYS)) {
    if (typeof found[key] !== type)
      throw new CaptureError(file, place, `"${key}" must be a ${type}: ${line}`);
  }
  const { n, who, step, ret, errno, msg } = found as unknown as RecordedStep;
  return { n, who, step, ret, errno, msg };
}

/** Prints steps.jsonl without the times, which no comparison reads. */
export function renderRecordedSteps(steps: readonly RecordedStep[]): string {
  return steps.map((step) => `${JSON.stringify(step)}\n`).join('');
}

/** The address at which a `map` step put its mapping; null where none is recorded. */
export function recordedAddress(step: RecordedStep): number | null {
  const match = /^addr=0x([0-9a-f]+)$/.exec(step.msg);
  return match ? Number.parseInt(match[1]!, 16) : null;
}
