import type { Gmem, MigrateAnswer, PageLane, Part } from '../../src/strategy/contract.ts';

/**
 * migrate_folio of gmem, as the RFC has it: under the file's invalidate lock, which is only tried, entries of guests go, then the contents are
 * copied: by the host where it can read them, by the firmware where not. What is refused has lost its entries all the same; the guest faults
 * them in again.
 */
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
    options: {
      copy: {
        type: 'string',
        default: 'firmware',
        enum: ['firmware', 'host'],
        description:
          'firmware: pages of SNP guests are moved by SNP_PAGE_MOVE, all others copied by the host; host: there is nothing but the host, so those of SNP guests stay',
      },
      refuses: {
        type: 'string',
        default: 'none',
        enum: ['none', 'launched', 'all'],
        description:
          "pages that the firmware will not move: none, those that the launch measured, or all (the guest's policy forbids it)",
      },
      busy: {
        type: 'integer',
        default: 0,
        description:
          'passes in which a page finds the invalidate lock taken and says EAGAIN; migrate_pages() makes ten at most',
      },
      movable: {
        type: 'boolean',
        default: true,
        description:
          'private pages are allocated as movable memory (GFP_HIGHUSER_MOVABLE), as reviewers asked',
      },
    },
  },
  create: (view, options) => {
    /** What the firmware says of the first pages of those that are to move. */
    const moveByFirmware = (gmem: Gmem, pages: PageLane): MigrateAnswer => {
      const { count } = pages;
      if (options['refuses'] === 'none') return { errno: 0, count };
      if (options['refuses'] === 'all') return { errno: 'EIO', count };
      const launched: { at: number; n: number }[] = [];
      view.forEachLaunched(gmem, pages, (at, n) => launched.push({ at, n }));
      const [first] = launched;
      if (!first) return { errno: 0, count };
      return first.at === 0 ? { errno: 'EIO', count: first.n } : { errno: 0, count: first.at };
    };

    const copied = (operation: string, { errno, count }: MigrateAnswer): MigrateAnswer => {
      view.count(errno === 0 ? operation : `${operation} refused`, count);
      return { errno, count };
    };
    const refused = (errno: MigrateAnswer['errno'], count: number): MigrateAnswer => ({ errno, count });

    return {
      mayMigrate: () => true,
      allocatesMovable: () => options['movable'] === true,
      migrateFolio: (gmem, pages, { pass, folioPages }) => {
        const { index, count, stride } = pages;
        const folios = (n: number): number => Math.ceil(n / folioPages);
        if (pass < Number(options['busy'])) {
          view.count('invalidate lock busy', folios(count));
          return refused('EAGAIN', count);
        }
        const isEncrypted = view.isEncrypted(gmem);
        if (isEncrypted && options['copy'] === 'host') return refused('EOPNOTSUPP', count);
        const answer = isEncrypted ? moveByFirmware(gmem, pages) : { errno: 0 as const, count };
        view.count('invalidate lock', folios(answer.count));
        view.zapGuest(gmem, { index, count: answer.count, stride });
        return copied(isEncrypted ? 'SNP_PAGE_MOVE' : 'page copy by the host', answer);
      },
    };
  },
};

export default gmemCallback;
