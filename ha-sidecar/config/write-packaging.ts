// Writes the sidecar's manual pages: `npm run packaging`, before `npm pack`.

import { mkdirSync, writeFileSync } from "node:fs";
import { fromMarkdown, literal, paragraph, renderManPage } from "../../shared/packaging/man.ts";
import { usage } from "../command-line.ts";
import { renderReference } from "./keywords/reference.ts";

const TARGET = new URL("../../../dist/packaging/man/", import.meta.url);

mkdirSync(TARGET, { recursive: true });
const program = renderManPage({
  ...{ name: "ringway-ha", section: 8, purpose: "VRRP for ringway: virtual addresses that follow a proxy that works" },
  parts: [
    ["synopsis", literal(usage())],
    ["description", paragraph("ringway-ha reads keepalived.conf and speaks VRRP with keepalived and with itself.")],
    ["see also", paragraph("ringway-ha.conf(5), ringway(8), keepalived.conf(5)")],
  ],
});
const configuration = renderManPage({
  ...{ name: "ringway-ha.conf", section: 5, purpose: "keywords of keepalived.conf and what ringway-ha does with them" },
  parts: [["description", fromMarkdown(renderReference().replace(/^Generated from.*$/m, ""))]],
});
writeFileSync(new URL("ringway-ha.8", TARGET), program);
writeFileSync(new URL("ringway-ha.conf.5", TARGET), configuration);
