import type { Part } from '../../src/strategy/contract.ts';

/** migrate_folio of gmem: whether mm may isolate a private page to move it. */
export const gmemCallback: Part = {
  meta: {
    axis: 'migration',
    id: 'gmem-callback',
    title: 'migrate_folio of gmem',
    summary:
      "gmem's own callback zaps the guest's entries and copies (SNP: by SNP_PAGE_MOVE), so movers work; the guest stalls while a page moves and the firmware must help.",
    origin: 'proposed',
    source:
      'gmem folio migration RFC, June 2026 (linux-mm 20260611-shivank-gmem-migrate-v1-0-2d266bfc6f95@amd.com)',
    options: {},
  },
  create: () => ({
    mayMigrate: () => true,
  }),
};

export default gmemCallback;
