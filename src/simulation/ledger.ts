import type { LedgerLine } from '../result/types.ts';

interface Entry {
  line: LedgerLine;
  account: { pages: number };
}

/** Balanced book of what designs attribute: every posting moves pages from one account to another. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #accounts = new Map<string, { pages: number }>();
  #last: Entry | null = null;

  /** Moves pages between accounts. A negative amount undoes an earlier posting; an account below zero is a broken charge. */
  post(from: string, to: string, pages: number, reason: string): void {
    const { line, account } = this.#entry(from, to, reason);
    line.pages += pages;
    line.postings++;
    account.pages += pages;
    if (account.pages < 0) throw new Error(`${to} would hold ${account.pages} pages after "${reason}"`);
  }

  /** Postings summed by from, to and reason; in that order. */
  lines(): LedgerLine[] {
    return [...this.#entries.keys()].sort().map((key) => this.#entries.get(key)!.line);
  }

  #entry(from: string, to: string, reason: string): Entry {
    const last = this.#last;
    if (last && last.line.to === to && last.line.reason === reason && last.line.from === from) return last;
    const key = `${from}\t${to}\t${reason}`;
    let entry = this.#entries.get(key);
    if (!entry) {
      let account = this.#accounts.get(to);
      if (!account) this.#accounts.set(to, (account = { pages: 0 }));
      entry = { line: { from, to, reason, pages: 0, postings: 0 }, account };
      this.#entries.set(key, entry);
    }
    this.#last = entry;
    return entry;
  }
}
