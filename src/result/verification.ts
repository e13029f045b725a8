import report from '../../reports/conformance/conformance.json' with { type: 'json' };

/** How often a field was compared with what a real kernel said, and how it went: compared = exact + noise + off. */
export interface FieldCount {
  compared: number;
  /** Comparisons that an idle model fails: the kernel's number was further from zero, or from the one before, than noise allows. */
  moved: number;
  exact: number;
  /** Differences within the bound of a named noise class. */
  noise: number;
  off: number;
}

/** What captures of one kernel version say about the model. */
export interface ProfileVerification {
  /** Kernel profile, e.g. `6.12`. */
  profile: string;
  /** Kernels that the captures are of, as uname prints them. */
  releases: string[];
  /** Names of the strategies that ran on the model. */
  strategies: string[];
  /** Types of VM that the captures created. */
  vmTypes: string[];
  /** By class of field (`status`, `node meminfo`) and name (`VmRSS`, `FilePages`). */
  fields: Readonly<Record<string, Readonly<Record<string, FieldCount>>>>;
}

/** What `gmemlab conform` found on the captures that the repository keeps: reports/conformance/conformance.json. */
export const VERIFICATION: readonly ProfileVerification[] = report.verification as ProfileVerification[];
