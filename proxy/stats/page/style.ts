// The page's looks: one style sheet for light and dark, desk and phone. Colours of states stand once, as variables.

import { Html } from "./html.ts";

export const STYLE = new Html(`
:root { color-scheme: light dark; --ink: #1d2329; --soft: #5b6670; --paper: #fff; --line: #d5dbe1; --head: #eef1f4;
  --accent: #0b62c4; --warm: #b35900; --bad: #b3261e; --third: #6b3fa0; --up: #c9f2cf; --going-down: #f4f0b5; --down: #ffc4bf; --going-up: #ffdcb0; --drain: #c5dcfb;
  --maint: #e2cfb9; --unchecked: #edf0f2; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { --ink: #e3e8ec; --soft: #9aa6b1; --paper: #14181c; --line: #333c45; --head: #1e252c;
  --accent: #6db3ff; --warm: #ffb86b; --bad: #ff8a80; --third: #c9a6ff; --up: #17482a; --going-down: #54501a; --down: #6b1f1f; --going-up: #6a4415; --drain: #1d3f6b;
  --maint: #523b22; --unchecked: #22292f; } }
:root[data-theme="dark"] { color-scheme: dark; --ink: #e3e8ec; --soft: #9aa6b1; --paper: #14181c; --line: #333c45; --head: #1e252c;
  --accent: #6db3ff; --warm: #ffb86b; --bad: #ff8a80; --third: #c9a6ff; --up: #17482a; --going-down: #54501a; --down: #6b1f1f; --going-up: #6a4415; --drain: #1d3f6b;
  --maint: #523b22; --unchecked: #22292f; }
:root[data-theme="light"] { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 110rem; color: var(--ink); background: var(--paper);
  font: 14px/1.45 system-ui, sans-serif; }
header p { margin: 0; color: var(--soft); }
h1 { margin: 0; font-size: 1.6rem; letter-spacing: -0.02em; }
h2 { margin: 1.6rem 0 0.4rem; font-size: 1.1rem; }
small { font-weight: normal; font-size: 0.75em; color: var(--soft); }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
h2 a { color: inherit; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 0.6rem; margin: 1rem 0; }
.facts div { padding: 0.5rem 0.7rem; border: 1px solid var(--line); border-radius: 0.5rem; }
.facts dt { color: var(--soft); font-size: 0.8rem; }
.facts dd { margin: 0; font-size: 1.05rem; font-variant-numeric: tabular-nums; }
nav { display: flex; flex-wrap: wrap; gap: 0.4rem 1.2rem; align-items: center; margin: 0.5rem 0; }
input, select, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: 0.3rem; padding: 0.15rem 0.4rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.4rem; margin: 0.5rem 0; padding: 0; list-style: none; font-size: 0.8rem; }
.legend li { padding: 0.05rem 0.6rem; border-radius: 1rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 0.5rem; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 0.25rem 0.45rem; text-align: right; border-bottom: 1px solid var(--line); }
thead th { background: var(--head); font-weight: 600; text-align: center; border-left: 1px solid var(--line); }
thead tr + tr th { color: var(--soft); font-weight: normal; }
tbody th { position: sticky; left: 0; text-align: left; background: inherit; }
tbody tr { background: var(--paper); }
tbody tr:last-child > * { border-bottom: 0; }
tr.frontend, tr.backend { background: var(--head); font-weight: 600; }
abbr { text-decoration: underline dotted; text-underline-offset: 2px; cursor: help; }
tr.up, li.up { background: var(--up); } tr.down, li.down { background: var(--down); }
tr.going-up, li.going-up { background: var(--going-up); } tr.going-down, li.going-down { background: var(--going-down); }
tr.drain, li.drain { background: var(--drain); } tr.maint, li.maint { background: var(--maint); }
tr.unchecked, li.unchecked { background: var(--unchecked); }
.note { padding: 0.5rem 0.8rem; border-radius: 0.5rem; background: var(--head); }
.note.good { background: var(--up); } .note.bad { background: var(--down); }
.tools { display: flex; flex-wrap: wrap; gap: 0.5rem 1.2rem; align-items: center; margin: 0.5rem 0; }
.tools .good { background: var(--up); } .tools .bad { background: var(--down); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 0.8rem; }
figure { margin: 0; padding: 0.5rem 0.7rem; border: 1px solid var(--line); border-radius: 0.5rem; }
h3 { margin: 0; font-size: 0.8rem; font-weight: normal; color: var(--soft); }
.key { display: flex; flex-wrap: wrap; gap: 0 0.9rem; margin: 0; min-height: 1.45em; font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: 8.5rem; touch-action: pan-y; }
.line { fill: none; stroke: currentColor; stroke-width: 1.6; vector-effect: non-scaling-stroke; }
.grid, .pointer { stroke: var(--line); vector-effect: non-scaling-stroke; } .pointer { stroke: var(--soft); }
.scale { fill: var(--soft); font-size: 10px; }
.a { color: var(--accent); } .b { color: var(--warm); } .c { color: var(--third); } .d { color: var(--bad); }
.chips { display: flex; flex-wrap: wrap; gap: 0.3rem; margin: 0.6rem 0; padding: 0; list-style: none; font-size: 0.8rem; }
.chips li { padding: 0.05rem 0.6rem; border: 1px solid var(--line); border-radius: 1rem; }
.chips .none { color: var(--soft); } .chips .rising { background: var(--down); }
.plain { margin: 0.3rem 0; padding: 0; list-style: none; max-height: 16rem; overflow-y: auto; } .plain .bad { color: var(--bad); }
details { margin: 0.3rem 0; }
.action { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin: 0.5rem 0; }
`);
