// Writes what packages of ringway hold besides the program: manual pages and shell completion. `npm run packaging`, before `npm pack`.

import { mkdirSync, writeFileSync } from "node:fs";
import { bashCompletion, manPages, zshCompletion } from "./packaging-texts.ts";

const TARGET = new URL("../../../dist/packaging/", import.meta.url);

for (const folder of ["man/", "completion/"]) mkdirSync(new URL(folder, TARGET), { recursive: true });
for (const [file, text] of manPages()) writeFileSync(new URL(`man/${file}`, TARGET), text);
writeFileSync(new URL("completion/ringway.bash", TARGET), bashCompletion());
writeFileSync(new URL("completion/_ringway", TARGET), zshCompletion());
