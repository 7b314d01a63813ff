// The page's script: asks for `;live` every few seconds and puts what changed into the page that the server rendered. Runs in the browser; like
// chart.ts it may not refer to anything outside of its class. Text only ever enters as text; the cells are HTML that the server has escaped.

import type { Chart, Line, PageDocument, PageElement } from "./chart.ts";

interface Live {
  readonly known: string;
  readonly tiles: readonly (readonly [string, string])[];
  readonly rows: readonly {
    readonly key: string;
    readonly style: string;
    readonly reason: string;
    readonly cells: readonly string[];
  }[];
  readonly errors: readonly (readonly [string, number])[];
  readonly workers: readonly {
    readonly state: string;
    readonly connections: number;
    readonly streams: number;
    readonly cpuPercent: number;
  }[];
  readonly news: readonly {
    readonly atMs: number;
    readonly proxy: string;
    readonly server: string;
    readonly severity: number;
    readonly text: string;
  }[];
  readonly charts: readonly {
    readonly name: string;
    readonly isFrontend: boolean;
    readonly series: Readonly<Record<string, readonly number[]>>;
  }[];
}

export interface Browser {
  readonly document: PageDocument;
  readonly localStorage: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  readonly location: { reload(): void };
  fetch(
    address: string,
    options: { readonly cache: "no-store" },
  ): Promise<{ readonly ok: boolean; json(): Promise<unknown> }>;
  setTimeout(act: () => void, delayMs: number): number;
}

export type ChartMaker = new (...args: ConstructorParameters<typeof Chart>) => Chart;

export class LivePage {
  readonly #browser: Browser;
  readonly #address: string;
  readonly #everyMs: number;
  readonly #charts: Readonly<Record<"rate" | "latency" | "sessions", Chart>>;
  /** Per proxy and series: the values of the last minutes. */
  readonly #series = new Map<string, Record<string, number[]>>();
  readonly #frontends = new Set<string>();
  #known = "";
  #errors = new Map<string, number>();
  #isLive = true;
  #failures = 0;

  constructor(browser: Browser, chart: ChartMaker, size: readonly [number, number]) {
    this.#browser = browser;
    const root = this.#get("page");
    this.#address = root.dataset["live"] ?? "";
    this.#everyMs = Number(root.dataset["every"]);
    this.#isLive = root.dataset["paused"] !== "1";
    const make = (id: string, title: string, unit: string): Chart =>
      new chart(browser.document, this.#get(id), title, unit, size);
    this.#charts = {
      rate: make("chart-rate", "Rate", "/s"),
      latency: make("chart-latency", "Latency", "ms"),
      sessions: make("chart-sessions", "Sessions and queue", ""),
    };
    this.#wire();
  }

  start(): void {
    for (const element of this.#browser.document.querySelectorAll(".needs-script")) element.hidden = false;
    this.#showState();
    void this.#poll();
  }

  #get(id: string): PageElement {
    return this.#browser.document.getElementById(id) as PageElement;
  }

  #wire(): void {
    const { document, localStorage } = this.#browser;
    const filter = this.#get("filter");
    filter.addEventListener("input", () => this.#filter());
    this.#get("only-trouble").addEventListener("change", () => this.#filter());
    this.#get("chart-of").addEventListener("change", () => this.#draw());
    this.#get("live").addEventListener("click", () => {
      this.#isLive = !this.#isLive;
      this.#showState();
    });
    const theme = this.#get("theme");
    theme.value = localStorage.getItem("theme") ?? "";
    const apply = (): void => document.documentElement.setAttribute("data-theme", theme.value);
    theme.addEventListener("change", () => {
      localStorage.setItem("theme", theme.value);
      apply();
    });
    apply();
  }

  async #poll(): Promise<void> {
    if (this.#isLive && !this.#browser.document.hidden) {
      try {
        const answer = await this.#browser.fetch(this.#address + this.#known, { cache: "no-store" });
        if (!answer.ok) throw new Error("refused");
        this.#take((await answer.json()) as Live);
        this.#failures = 0;
      } catch {
        this.#failures++;
      }
      this.#showState();
    }
    const delayMs = this.#everyMs * Math.min(8, 1 + this.#failures);
    this.#browser.setTimeout(() => void this.#poll(), delayMs);
  }

  #showState(): void {
    const button = this.#get("live");
    const text = this.#failures > 0 ? "no answer" : this.#isLive ? "live" : "paused";
    button.textContent = text;
    button.className = this.#failures > 0 ? "bad" : this.#isLive ? "good" : "";
  }

  #take(live: Live): void {
    const rows = new Map<string, PageElement>();
    for (const row of this.#browser.document.querySelectorAll("tr[data-key]")) rows.set(row.dataset["key"] ?? "", row);
    if (this.#known !== "" && live.rows.some(({ key }) => !rows.has(key))) {
      // Servers or proxies came since the page was rendered.
      this.#browser.location.reload();
      return;
    }
    this.#known = live.known;
    for (const { key, style, cells, reason } of live.rows) {
      const row = rows.get(key);
      if (row !== undefined) this.#fill(row, style, cells, reason);
    }
    for (const [name, text] of live.tiles) {
      const tile = this.#browser.document.querySelector(`[data-tile="${name}"]`);
      if (tile !== null && tile.textContent !== text) tile.textContent = text;
    }
    this.#showErrors(live.errors);
    this.#showWorkers(live.workers);
    this.#addNews(live.news);
    this.#addValues(live.charts);
    this.#draw();
    this.#filter();
  }

  #fill(row: PageElement, style: string, cells: readonly string[], reason: string): void {
    if (row.className !== style) row.className = style;
    const [name, ...columns] = row.children;
    if (reason !== "") name.setAttribute("title", reason);
    for (const [i, cell] of columns.entries()) {
      const text = cells[i] ?? "";
      if (cell.dataset["text"] === text) continue;
      cell.dataset["text"] = text;
      cell.innerHTML = text;
    }
  }

  #showErrors(errors: readonly (readonly [string, number])[]): void {
    const chips = errors.map(([name, count]) => {
      const before = this.#errors.get(name) ?? count;
      const chip = this.#browser.document.createElement("li");
      chip.className = count > before ? "rising" : count > 0 ? "some" : "none";
      chip.textContent = `${name} ${count}${count > before ? ` (+${count - before})` : ""}`;
      return chip;
    });
    this.#errors = new Map(errors);
    this.#get("errors").replaceChildren(...chips);
  }

  #showWorkers(workers: Live["workers"]): void {
    const { document } = this.#browser;
    const rows = workers.map(({ state, connections, streams, cpuPercent }, i) => {
      const row = document.createElement("li");
      const meter = document.createElement("meter");
      meter.setAttribute("max", "100");
      meter.setAttribute("high", "85");
      meter.setAttribute("value", String(cpuPercent));
      row.append(`worker ${i + 1} `, meter, ` ${cpuPercent} % · ${connections} connections · ${streams} streams`);
      if (state !== "running") row.append(` · ${state}`);
      return row;
    });
    this.#get("workers").replaceChildren(...rows);
  }

  #addNews(news: Live["news"]): void {
    const { document } = this.#browser;
    const list = this.#get("news");
    for (const { atMs, text, severity, proxy, server } of news) {
      const item = document.createElement("li");
      item.className = severity <= 1 ? "bad" : "";
      item.dataset["of"] = `${proxy}/${server}`;
      item.textContent = `${new Date(atMs).toLocaleTimeString()} ${text}`;
      list.prepend(item);
    }
    const items = [...list.children];
    for (const old of items.slice(200)) old.remove();
    this.#get("no-news").hidden = items.length > 0;
  }

  #addValues(charts: Live["charts"]): void {
    const choice = this.#get("chart-of");
    for (const { name, isFrontend, series } of charts) {
      let own = this.#series.get(name);
      if (own === undefined) {
        own = {};
        this.#series.set(name, own);
        if (isFrontend) this.#frontends.add(name);
        const option = this.#browser.document.createElement("option");
        option.textContent = name;
        option.value = name;
        choice.append(option);
      }
      for (const [key, values] of Object.entries(series)) own[key] = [...(own[key] ?? []), ...values].slice(-300);
    }
  }

  /** The chosen proxy's series, or all frontends' added up (times: the greatest). */
  #values(key: string): number[] {
    const chosen = this.#get("chart-of").value;
    if (chosen !== "") return this.#series.get(chosen)?.[key] ?? [];
    const isTime = /^p\d+$/.test(key);
    const lists = [...this.#series]
      .filter(([name]) => isTime || key === "queued" || this.#frontends.has(name))
      .map(([, series]) => series[key] ?? []);
    const length = Math.max(0, ...lists.map((values) => values.length));
    return Array.from({ length }, (_, i) => {
      const values = lists.map((list) => list[list.length - length + i] ?? 0);
      return isTime ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
    });
  }

  #draw(): void {
    const line = (name: string, style: string, key: string): Line => ({ name, style, values: this.#values(key) });
    this.#charts.rate.draw([line("requests", "a", "requests"), line("errors", "d", "errors")]);
    const percentiles = ["p50", "p90", "p99", "p999"].map((key, i) =>
      line(key.replace("999", "99.9"), "abcd"[i] ?? "a", key),
    );
    this.#charts.latency.draw(percentiles);
    this.#charts.sessions.draw([line("sessions", "a", "sessions"), line("queued", "c", "queued")]);
  }

  #filter(): void {
    const wanted = this.#get("filter").value.trim().toLowerCase();
    const onlyTrouble = this.#get("only-trouble").checked;
    for (const section of this.#browser.document.querySelectorAll("section[data-proxy]")) {
      const proxyMatches = (section.dataset["proxy"] ?? "").toLowerCase().includes(wanted);
      let shown = 0;
      for (const row of section.querySelectorAll("tr[data-key]")) {
        const isServer = row.className.startsWith("server");
        const matches = proxyMatches || (row.dataset["key"] ?? "").toLowerCase().includes(wanted);
        const isFine = /^server (up|unchecked)$/.test(row.className);
        row.hidden = isServer && (!matches || (onlyTrouble && isFine));
        if (!row.hidden && (isServer || !onlyTrouble) && matches) shown++;
      }
      section.hidden = shown === 0;
    }
  }
}
