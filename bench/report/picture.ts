// Results as a picture: a group of bars for each scenario, a bar for each proxy, as long as its cost beside the first HAProxy's. One SVG
// file without scripts and without anything from elsewhere; it follows the reader's light or dark theme.

import type { Report, Row } from "./report.ts";

const WIDTH = 860;
const LABELS = 190;
const BAR = 14;
const GAP = 22;
const HEAD = 58;
/** Longer bars are cut and say how long they would be. */
const RATIO_MAX = 2.5;
const COLOURS = ["#2563eb", "#60a5fa", "#dc2626", "#059669", "#d97706", "#7c3aed"];

/** What is compared in a scenario of each kind: the first of these that it has. */
const METRICS = ["cpuUs", "bytesPerConnection"];

interface Group {
  readonly name: string;
  readonly unit: string;
  readonly bars: readonly { readonly proxy: string; readonly ratio: number; readonly value: number }[];
}

/** The picture of a whole run; scenarios without a HAProxy to compare with are left out. */
export function pictureOf(report: Report): string {
  const groups = report.scenarios.flatMap(({ name, rows }) => groupOf(name, rows));
  const proxies = [...new Set(groups.flatMap(({ bars }) => bars.map(({ proxy }) => proxy)))];
  const colour = (proxy: string): string => COLOURS[proxies.indexOf(proxy) % COLOURS.length]!;
  const scale = (WIDTH - LABELS - 90) / RATIO_MAX;
  const parts: string[] = [];
  let y = HEAD;
  for (const { name, unit, bars } of groups) {
    parts.push(text(LABELS - 10, y + (bars.length * BAR) / 2 + 4, name, "end"));
    for (const { proxy, ratio, value } of bars) {
      const length = Math.max(1, Math.min(ratio, RATIO_MAX) * scale);
      const title = `<title>${escaped(proxy)}: ${value.toPrecision(4)} ${unit}</title>`;
      parts.push(
        `<rect x="${LABELS}" y="${y}" width="${length.toFixed(1)}" height="${BAR - 3}" fill="${colour(proxy)}">${title}</rect>`,
      );
      parts.push(text(LABELS + length + 6, y + BAR - 5, `${ratio.toFixed(2)}×`, "start", "value"));
      y += BAR;
    }
    y += GAP;
  }
  const one = LABELS + scale;
  const legend = proxies.map((proxy, i) => {
    const x = LABELS + i * 150;
    return `<rect x="${x}" y="30" width="11" height="11" fill="${colour(proxy)}"/>${text(x + 16, 40, proxy, "start")}`;
  });
  const { processor, kernel, node } = report.machine;
  const heading = `CPU per request (memory per connection) beside HAProxy; shorter is better. ${processor}, Linux ${kernel}, Node ${node}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 10}" font-family="system-ui, sans-serif" font-size="12">
<style>text{fill:#1f2937}.value{font-size:11px}line{stroke:#6b7280;stroke-dasharray:3 3}@media(prefers-color-scheme:dark){text{fill:#e5e7eb}}</style>
${text(10, 18, heading, "start")}
${legend.join("\n")}
<line x1="${one}" y1="${HEAD - 6}" x2="${one}" y2="${y}"/>
${parts.join("\n")}
</svg>
`;
}

function groupOf(name: string, rows: readonly Row[]): Group[] {
  const metric = METRICS.find((candidate) => rows.some((row) => row.metrics[candidate] !== undefined));
  const base = rows.find(({ proxy }) => proxy.startsWith("haproxy"))?.metrics[metric ?? ""]?.median;
  if (metric === undefined || base === undefined || !(base > 0)) return [];
  const bars = rows.flatMap(({ proxy, metrics }) => {
    const value = metrics[metric]?.median ?? Number.NaN;
    return Number.isFinite(value) ? [{ proxy, value, ratio: value / base }] : [];
  });
  return [{ name, unit: metric === "cpuUs" ? "µs" : "bytes", bars }];
}

function text(x: number, y: number, words: string, anchor: "start" | "end", style = ""): string {
  const named = style === "" ? "" : ` class="${style}"`;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${named}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
}
