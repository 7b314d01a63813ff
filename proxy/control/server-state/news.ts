// The last things that happened to servers and frontends, for the statistics page: what the log says, kept for a while.

const KEPT_MAX = 200;

export interface NewsItem {
  /** Counts from 1; a reader that knows one asks for what came after it. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly proxy: string;
  /** "": about the proxy itself. */
  readonly server: string;
  readonly severity: number;
  readonly text: string;
}

export class News {
  readonly #items: NewsItem[] = [];
  #count = 0;

  add(proxy: string, severity: number, text: string): void {
    // Every sentence about a server begins with its name (event-text.ts).
    const server = /^(?:Backup s|S)erver [^/]+\/(\S+) /.exec(text)?.[1] ?? "";
    this.#items.push({ number: ++this.#count, atMs: Date.now(), proxy, server, severity, text });
    if (this.#items.length > KEPT_MAX) this.#items.shift();
  }

  /** The oldest first. */
  since(number: number): NewsItem[] {
    return this.#items.filter((item) => item.number > number);
  }
}
