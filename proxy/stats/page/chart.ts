// A line chart as SVG. Runs in the browser: the page contains the text of this class (script.ts), so that nothing here may refer to anything
// outside of it. What it needs of the DOM is declared below; the project's own types know Node only.

/** The little of an element that the page's script uses. */
export interface PageElement {
  textContent: string;
  innerHTML: string;
  className: string;
  hidden: boolean;
  value: string;
  open: boolean;
  readonly checked: boolean;
  readonly dataset: Record<string, string | undefined>;
  readonly classList: { add(name: string): void; remove(name: string): void; toggle(name: string, on: boolean): void };
  readonly clientWidth: number;
  readonly children: ArrayLike<PageElement> & Iterable<PageElement>;
  setAttribute(name: string, value: string): void;
  append(...nodes: (PageElement | string)[]): void;
  prepend(...nodes: (PageElement | string)[]): void;
  replaceChildren(...nodes: (PageElement | string)[]): void;
  remove(): void;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  getBoundingClientRect(): { readonly left: number; readonly width: number };
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
}

export interface PageEvent {
  readonly clientX: number;
  readonly target: PageElement;
}

export interface PageDocument {
  readonly documentElement: PageElement;
  readonly hidden: boolean;
  getElementById(id: string): PageElement | null;
  createElement(name: string): PageElement;
  createElementNS(space: string, name: string): PageElement;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  addEventListener(type: string, listener: () => void): void;
}

export interface Line {
  readonly name: string;
  /** CSS class that gives the colour. */
  readonly style: string;
  readonly values: readonly number[];
}

const WIDTH = 600;
const HEIGHT = 140;

export class Chart {
  readonly #document: PageDocument;
  readonly #unit: string;
  readonly #size: readonly [number, number];
  readonly #svg: PageElement;
  readonly #legend: PageElement;
  #lines: readonly Line[] = [];
  /** Position that the pointer is at, -1: none, the newest values are told. */
  #pointed = -1;

  constructor(document: PageDocument, box: PageElement, title: string, unit: string, size: readonly [number, number]) {
    this.#document = document;
    this.#unit = unit;
    this.#size = size;
    const heading = document.createElement("h3");
    heading.textContent = title;
    this.#legend = document.createElement("p");
    this.#legend.className = "key";
    this.#svg = this.#element("svg", {
      ...{ viewBox: `0 0 ${size[0]} ${size[1]}`, preserveAspectRatio: "none", role: "img" },
      "aria-label": title,
    });
    box.replaceChildren(heading, this.#legend, this.#svg);
    this.#svg.addEventListener("pointermove", (event) => this.#point(event.clientX));
    this.#svg.addEventListener("pointerleave", () => this.#point(-1));
  }

  draw(lines: readonly Line[]): void {
    this.#lines = lines;
    // As wide as it is shown, so that text keeps its shape.
    const width = this.#svg.clientWidth || this.#size[0];
    const height = this.#size[1];
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const count = Math.max(2, ...lines.map(({ values }) => values.length));
    const top = this.#niceTop(Math.max(0, ...lines.flatMap(({ values }) => values)));
    const x = (i: number, length: number): number => ((count - length + i) * width) / (count - 1);
    const y = (value: number): number => height - 2 - (value * (height - 16)) / top;
    const shapes: PageElement[] = [];
    for (const share of [0.5, 1]) {
      const at = String(y(top * share));
      shapes.push(this.#element("line", { x1: "0", x2: String(width), y1: at, y2: at, class: "grid" }));
      const text = this.#element("text", { x: "2", y: String(y(top * share) - 2), class: "scale" });
      text.textContent = this.#text(top * share);
      shapes.push(text);
    }
    for (const { values, style } of lines) {
      const points = values.map((value, i) => `${x(i, values.length).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      shapes.push(this.#element("polyline", { points, class: `line ${style}` }));
    }
    if (this.#pointed >= 0 && this.#pointed < count) {
      const at = String((this.#pointed * width) / (count - 1));
      shapes.push(this.#element("line", { x1: at, x2: at, y1: "0", y2: String(height), class: "pointer" }));
    }
    this.#svg.replaceChildren(...shapes);
    this.#tell(count);
  }

  #tell(count: number): void {
    const items = this.#lines.map(({ name, style, values }) => {
      const i = this.#pointed < 0 ? values.length - 1 : this.#pointed - (count - values.length);
      const item = this.#document.createElement("span");
      item.className = style;
      const value = values[i];
      item.textContent = `${name} ${value === undefined ? "–" : this.#text(value)}`;
      return item;
    });
    this.#legend.replaceChildren(...items);
  }

  #point(clientX: number): void {
    const { left, width } = this.#svg.getBoundingClientRect();
    const count = Math.max(2, ...this.#lines.map(({ values }) => values.length));
    this.#pointed = clientX < 0 || width === 0 ? -1 : Math.round(((clientX - left) / width) * (count - 1));
    this.draw(this.#lines);
  }

  /** 1, 2 or 5 times a power of ten, at least 1. */
  #niceTop(value: number): number {
    const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
    return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= value) ?? 1;
  }

  #text(value: number): string {
    const short = (number: number): string =>
      number < 10 && number % 1 !== 0 ? number.toFixed(1) : String(Math.round(number));
    if (value >= 1e9) return `${short(value / 1e9)} G${this.#unit}`;
    if (value >= 1e6) return `${short(value / 1e6)} M${this.#unit}`;
    if (value >= 1e4) return `${short(value / 1e3)} k${this.#unit}`;
    return `${short(value)} ${this.#unit}`;
  }

  #element(name: string, attributes: Readonly<Record<string, string>>): PageElement {
    const element = this.#document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }
}

/** Width and height in the units of the drawing; the page scales it. */
export const CHART_SIZE = [WIDTH, HEIGHT] as const;
