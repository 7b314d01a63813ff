// Writes REFERENCE.md beside this file's source: `npm run reference`.

import { writeFileSync } from "node:fs";
import { renderReference } from "./keywords/reference.ts";

writeFileSync(new URL("../../../ha-sidecar/config/REFERENCE.md", import.meta.url), renderReference());
