// What the HA sidecar said: which virtual addresses are here. Absent without a sidecar.

import type { HaInstance, HaReports } from "../../control/ha/ha-reports.ts";
import { type Html, html, join } from "./html.ts";

type Ha = ReturnType<HaReports["current"]>;

export interface HaRow {
  readonly key: string;
  readonly style: string;
  readonly cells: readonly Html[];
}

export function haRows(ha: Ha): HaRow[] {
  if (ha === null) return [];
  const { report, ageMs, isStale } = ha;
  return report.instances.map((instance: HaInstance) => ({
    // No proxy's row has a blank in its key.
    key: `HA ${instance.name}`,
    style: haClass(instance.state, isStale),
    cells: [
      html`${instance.state}${isStale ? "?" : ""}`,
      html`${instance.priority}`,
      html`${instance.interface}`,
      html`${instance.virtualRouterId}`,
      html`${Math.floor((instance.stateForMs + ageMs) / 1000)} s`,
      html`${instance.addresses.join(" ")}`,
      html`${instance.reason}`,
    ],
  }));
}

export function haSection(ha: Ha): Html | null {
  if (ha === null) return null;
  const { report, ageMs, isStale } = ha;
  const note = isStale
    ? html`<p class="note bad">The HA sidecar of ${report.routerId} has been silent for ${Math.floor(ageMs / 1000)} s.</p>`
    : html`<p>The HA sidecar of ${report.routerId} takes this proxy for ${report.proxy}.</p>`;
  const row = ({ key, style, cells }: HaRow): Html =>
    html`<tr class="${style}" data-key="${key}"><th>${key.slice("HA ".length)}</th>${join(cells.map((cell) => html`<td>${cell}</td>`))}</tr>`;
  return html`<section id="ha"><h2>High availability</h2>${note}<div class="scroll"><table>
<thead><tr><th>Instance</th><th>State</th><th>Priority</th><th>Interface</th><th>VRID</th><th>Since</th><th>Addresses</th><th>Reason</th></tr></thead>
<tbody>${join(haRows(ha).map(row))}</tbody></table></div></section>
`;
}

function haClass(state: string, isStale: boolean): string {
  if (isStale) return "unchecked";
  if (state === "MASTER") return "up";
  return state === "FAULT" ? "down" : "drain";
}
