import { describe, expect, it } from 'vitest';
import { compareSteps } from '../../src/conformance/compare-steps.ts';
import { Tally } from '../../src/conformance/tally.ts';
import type { RecordedStep } from '../../src/conformance/capture.ts';

type Arguments = Parameters<typeof compareSteps>;

/** What is off and what is excused where a move_pages answers differently, with so many pages made huge by khugepaged. */
function judged(
  kernel: Partial<RecordedStep>,
  model: { errno?: string; message?: string },
  collapsed: number,
): { off: string[]; excused: string[] } {
  const tally = new Tally();
  const recorded = { n: 1, who: 'w0', step: 'move_pages o 0 2M 3', ret: 0, errno: '', msg: '', ...kernel };
  const steps = [{ verb: 'move_pages', args: {} }] as unknown as Arguments[1];
  const results = [{ ret: 0, errno: '', message: '', ...model }] as unknown as Arguments[3];
  compareSteps(tally, steps, [recorded], results, () => collapsed);
  return { off: tally.offences.map(({ field }) => field), excused: [...tally.excuses.keys()] };
}

describe('where move_pages says that pages are', () => {
  const msg = 'n=512 ENOENT=512';
  const message = 'n=512 N3=411 ENOENT=101';

  it('is compared word by word', () => {
    expect(judged({ msg: message }, { message }, 0)).toEqual({ off: [], excused: [] });
    expect(judged({ msg }, { message }, 0)).toEqual({ off: ['message ENOENT'], excused: [] });
    expect(judged({ msg: message }, { message: msg }, 0).off).toEqual(['message N3', 'message ENOENT']);
  });

  it('may differ by the huge pages that khugepaged has made, and by no more', () => {
    expect(judged({ msg }, { message }, 512)).toEqual({ off: [], excused: ['khugepaged'] });
    expect(judged({ msg }, { message }, 410).off).toEqual(['message ENOENT']);
    expect(judged({ errno: 'EFAULT' }, { message }, 512).off).toContain('errno');
    expect(judged({ msg: 'n=300' }, { message: 'n=512' }, 512).off).toEqual(['message n']);
  });
});
