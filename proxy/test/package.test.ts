// The tarball that `npm pack` makes is a whole ringway: unpacked somewhere else, with nothing but its dependencies, it serves.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { get } from "./lab/http-origin.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePort } from "./lab/ports.ts";
import { IS_HAPROXY, REPOSITORY, startProgram } from "./lab/program.ts";

/** Packing takes seconds: `make package` does it. */
const skip = IS_HAPROXY || (process.env["RINGWAY_PACKAGE"] === undefined && "make package runs it");

t.test("packed, unpacked, serving", { skip }, async (t) => {
  const folder = t.testdir();
  // The build is there; tap's own settings must not reach npm.
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder };
  execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], { cwd: REPOSITORY, env });
  const [tarball = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  execFileSync("tar", ["xzf", tarball], { cwd: folder });
  const root = join(folder, "package");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" });
  t.strictSame(
    files.filter((file) => /\.test\.js$|fixture\.js$|\/test\//.test(file)),
    [],
    "no tests in it",
  );
  symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: Record<string, string> };
  const port = await freePort();
  await startProgram(t, {
    command: [process.execPath, join(root, bin["ringway"] ?? ""), "-db"],
    config: `${basics()}listen l\n  bind 127.0.0.1:${port}\n  stats enable\n  stats uri /\n`,
  });
  t.match((await get(port)).body, "Statistics Report");
  const help = execFileSync(process.execPath, [join(root, bin["ringway-ha"] ?? ""), "--help"], { encoding: "utf8" });
  t.match(help, /^usage: ringway-ha/);
});

t.test("units name what there is", needs("systemd-analyze"), async (t) => {
  if (findProgram("systemd-analyze") === null) return;
  for (const unit of ["ringway", "ringway-ha"]) {
    const text = readFileSync(join(REPOSITORY, `shared/packaging/systemd/${unit}.service`), "utf8");
    // The programs are not installed where the unit looks for them.
    const here = t.testdir({
      [`${unit}.service`]: text
        .replaceAll(/\/usr\/bin\/ringway(-ha)?/g, "/bin/true")
        .replace(/^Documentation=.*$/m, ""),
    });
    let said = "";
    try {
      execFileSync("systemd-analyze", ["verify", join(here, `${unit}.service`)], {
        stdio: ["ignore", "ignore", "pipe"],
      });
    } catch (error) {
      said = String((error as { stderr?: Buffer }).stderr);
    }
    t.equal(said, "", unit);
  }
});
