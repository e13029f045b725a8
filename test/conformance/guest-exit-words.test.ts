import { describe, expect, it } from 'vitest';
import { guestExitWords } from '../../src/conformance/guest-exit-words.ts';

describe('guestExitWords', () => {
  it('says in the words of the model what an agent printed as numbers', () => {
    expect(guestExitWords('unexpected exit_reason=6')).toBe('KVM_EXIT_MMIO');
    expect(guestExitWords('unexpected exit_reason=17')).toBe('KVM_EXIT_INTERNAL_ERROR');
    expect(guestExitWords('exit_reason=17')).toBe('KVM_EXIT_INTERNAL_ERROR');
    expect(guestExitWords('unexpected exit_reason=8')).toBe('exit_reason=8');
    const failed = (reason: number, flags: string): string =>
      `KVM_RUN failed exit_reason=${reason} rip=0x1000 rdi=0x2000 rcx=3 mf.flags=${flags} mf.gpa=0x2000`;
    expect(guestExitWords(failed(39, '0x8'))).toBe('KVM_EXIT_MEMORY_FAULT private gpa=0x2000');
    expect(guestExitWords(failed(39, '0x0'))).toBe('KVM_EXIT_MEMORY_FAULT shared gpa=0x2000');
    expect(guestExitWords(failed(0, '0x0'))).toBe('exit_reason=0');
    expect(guestExitWords('hlt rip=0x1008')).toBe('hlt rip=0x1008');
  });
});
