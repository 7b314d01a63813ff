// A headless Chromium, driven over its DevTools protocol through two pipes (--remote-debugging-pipe): messages are JSON, a NUL ends each.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Teardown } from "./program.ts";
import { until } from "./time.ts";

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const START_MS = 30_000;

/** One tab. */
export class BrowserPage {
  /** What the page's console and the browser's own checks (policies, network) complained about. */
  readonly complaints: string[] = [];
  readonly #child: ChildProcess;
  readonly #replies = new Map<number, (reply: Reply) => void>();
  #text = "";
  #next = 1;
  #session = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    const output = child.stdio[4] as Readable;
    output.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
  }

  async open(width: number, height: number): Promise<void> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    this.#session = String(sessionId);
    for (const domain of ["Page", "Runtime", "Log"]) await this.send(`${domain}.enable`);
    await this.size(width, height);
  }

  async size(width: number, height: number): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 500 });
  }

  async go(address: string): Promise<void> {
    await this.send("Page.navigate", { url: address });
    await this.until("the page is loaded", "document.readyState === 'complete' && location.href !== 'about:blank'");
  }

  /** The value of an expression in the page, as far as JSON can hold it. */
  async value<T>(expression: string): Promise<T> {
    const reply = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    const { result, exceptionDetails } = reply as { result: { value: T }; exceptionDetails?: { text: string } };
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  }

  async until(what: string, expression: string): Promise<void> {
    await until(what, async () => {
      // While a page is being replaced there is nothing to ask.
      return this.value<boolean>(`Boolean(${expression})`).catch(() => false);
    });
  }

  async screenshot(): Promise<Buffer> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: false });
    return Buffer.from(String(data), "base64");
  }

  send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.#next++;
    const session = this.#session === "" ? {} : { sessionId: this.#session };
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => {
      this.#replies.set(id, ({ result, error }) => {
        if (error !== undefined) reject(new Error(`${method}: ${error.message}`));
        else resolve(result ?? {});
      });
    });
  }

  #receive(text: string): void {
    this.#text += text;
    const messages = this.#text.split("\0");
    this.#text = messages.pop() ?? "";
    for (const message of messages) {
      const reply = JSON.parse(message) as Reply;
      if (reply.id !== undefined) {
        this.#replies.get(reply.id)?.(reply);
        this.#replies.delete(reply.id);
      } else if (reply.method === "Runtime.exceptionThrown" || reply.method === "Log.entryAdded") {
        this.complaints.push(JSON.stringify(reply.params));
      }
    }
  }
}

/** @param chromium path of the program */
export async function startBrowser(t: Teardown, chromium: string, width = 1280, height = 900): Promise<BrowserPage> {
  const folder = mkdtempSync(join(tmpdir(), "ringway-browser-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  const child = spawn(
    chromium,
    [...flags, "--disable-extensions", "--no-proxy-server", `--user-data-dir=${folder}`, "--remote-debugging-pipe"],
    // A group of its own: its helpers write into the folder until they are gone, too.
    {
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", HOME: folder },
    },
  );
  // Writing to a browser that has gone is told by its silence.
  for (const pipe of child.stdio.slice(3)) pipe?.on("error", () => {});
  const gone = new Promise((resolve) => child.once("exit", resolve));
  t.teardown(async () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await gone;
    await until("the browser's folder can be removed", () => {
      try {
        rmSync(folder, { recursive: true, force: true });
        return true;
      } catch {
        return false;
      }
    });
  });
  const page = new BrowserPage(child);
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the browser does not start")), START_MS);
  });
  await Promise.race([page.open(width, height), tooLate]);
  clearTimeout(timer);
  return page;
}
