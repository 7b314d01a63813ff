// Mails, handed in to real SMTP servers on loopback: one that takes them, one that wants to see them twice, one that refuses, one that never
// speaks, and none at all.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import t from "tap";
import { haPlan, instancePlan, NO_NOTIFY, NO_TRACKING } from "../plan/fixture.ts";
import type { MailPlan } from "../plan/plan.ts";
import { Mailer } from "./mailer.ts";
import { Notifier } from "./notifier.ts";

/** RFC 5321, as far as one client needs it. */
class SmtpServer {
  readonly mails: { from: string; to: string[]; text: string }[] = [];
  readonly greetings: string[] = [];
  /** Answers to RCPT before it is taken. */
  readonly refusals: string[] = [];
  isBlackHole = false;
  onMail: () => void = () => {};
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => this.#serve(socket));

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  async until(count: number): Promise<void> {
    while (this.mails.length < count) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`only ${this.mails.length} mails`)), 10_000);
        this.onMail = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    if (this.isBlackHole) return;
    let [from, to, lines, isData, rest] = ["", [] as string[], [] as string[], false, ""];
    const say = (line: string) => socket.write(`${line}\r\n`);
    say("220 lab ESMTP");
    socket.on("data", (bytes) => {
      rest += bytes.toString("latin1");
      for (let end = rest.indexOf("\r\n"); end >= 0; end = rest.indexOf("\r\n")) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (isData && line !== ".") lines.push(line);
        else if (isData) {
          isData = false;
          this.mails.push({ from, to, text: lines.join("\n") });
          [to, lines] = [[], []];
          say("250 taken");
          this.onMail();
        } else if (/^EHLO/.test(line)) {
          this.greetings.push(line);
          say("250 lab");
        } else if (/^MAIL/.test(line)) {
          from = line;
          say("250 ok");
        } else if (/^RCPT/.test(line)) {
          const refusal = this.refusals.shift();
          if (refusal === undefined) to.push(line);
          say(refusal ?? "250 ok");
        } else if (line === "DATA") {
          isData = true;
          say("354 go on");
        } else if (line === "QUIT") socket.end("221 bye\r\n");
        else say("250 ok");
      }
    });
  }
}

function mailPlan(port: number, changes: Partial<MailPlan> = {}): MailPlan {
  return {
    recipients: ["a@example.com", "b@example.com"],
    from: "ka@example.com",
    server: { host: "127.0.0.1", port },
    heloName: "lab.example.com",
    connectTimeoutMs: 300,
    noFaults: false,
    noCheckerEmails: false,
    ...changes,
  };
}

const NOTIFY = { ...NO_NOTIFY, mail: true };

function notifierFor(mail: MailPlan, lines: string[]): Notifier {
  const group = { index: 0, name: "G", members: [0], tracking: NO_TRACKING, trackingWeight: false };
  const at = { file: "test.conf", line: 1 };
  return new Notifier(
    haPlan(
      {
        instances: [instancePlan({ notify: NOTIFY }), instancePlan({ index: 1, name: "quiet" })],
        syncGroups: [{ ...group, notify: NOTIFY, at }],
      },
      { mail, routerId: "LAB", childWaitTimeMs: 300 },
    ),
    (_, text) => lines.push(text),
  );
}

const subjects = ({ mails }: SmtpServer) => mails.map(({ text }) => /^Subject: (.*)$/m.exec(text)?.[1]);

t.test("keepalived's words", async (t) => {
  const server = new SmtpServer();
  const notifier = notifierFor(mailPlan(await server.start()), []);
  notifier.onInstance(1, "MASTER", 100);
  notifier.onInstance(0, "BACKUP", 100);
  notifier.onInstance(0, "MASTER", 100);
  notifier.onInstance(0, "MASTER", 100);
  notifier.onGroup(0, "MASTER");
  notifier.onInstance(0, "FAULT", 100);
  notifier.onInstance(0, "LEAVING", 100);
  notifier.onInstance(0, "STOPPED", 100);
  await server.until(4);
  await notifier.close();
  server.stop();
  t.same(subjects(server), [
    "[LAB] VRRP Instance VI_1 - Entering BACKUP state",
    "[LAB] VRRP Instance VI_1 - Entering MASTER state",
    "[LAB] VRRP Group G - Entering MASTER state",
    "[LAB] VRRP Instance VI_1 - Entering FAULT state",
  ]);
  const [backup, master, group] = server.mails;
  t.match(backup!.from, /^MAIL FROM:<ka@example\.com>/);
  t.match(backup!.to, [/RCPT TO:<a@example\.com>/, /RCPT TO:<b@example\.com>/]);
  t.match(backup!.text, /^From: ka@example\.com$/m);
  t.match(backup!.text, /^To: a@example\.com, b@example\.com$/m);
  t.match(backup!.text, /^X-Mailer: Keepalived$/m);
  t.match(backup!.text, /^Date: /m);
  t.match(backup!.text.replaceAll("=3D", "="), /\n\n=> VRRP Instance is no longer owning VRRP VIPs <=\n/);
  t.match(master!.text.replaceAll("=3D", "="), /\n\n=> VRRP Instance is now owning VRRP VIPs <=\n/);
  t.match(group!.text.replaceAll("=3D", "="), /\n\n=> All VRRP group instances are now in MASTER state <=\n/);
  t.match(server.greetings[0], /EHLO lab\.example\.com/);
});

t.test("no_email_faults", async (t) => {
  const server = new SmtpServer();
  const notifier = notifierFor(mailPlan(await server.start(), { noFaults: true }), []);
  notifier.onInstance(0, "FAULT", 100);
  notifier.onInstance(0, "BACKUP", 100);
  await server.until(1);
  await notifier.close();
  server.stop();
  t.same(subjects(server), ["[LAB] VRRP Instance VI_1 - Entering BACKUP state"]);
});

t.test("greylisting, refusal", async (t) => {
  const server = new SmtpServer();
  const port = await server.start();
  const lines: string[] = [];
  const mailer = new Mailer(
    mailPlan(port, { recipients: ["a@example.com"] }),
    "LAB",
    (_, text) => lines.push(text),
    [50, 50],
  );
  server.refusals.push("451 come again later");
  mailer.send("first", "A", "text");
  mailer.send("second", "B", "text");
  await server.until(2);
  t.same(subjects(server), ["[LAB] first - A", "[LAB] second - B"], "in order, the delayed one first");
  server.refusals.push("550 nobody here");
  mailer.send("third", "C", "text");
  mailer.send("fourth", "D", "text");
  await server.until(3);
  t.equal(subjects(server).at(-1), "[LAB] fourth - D", "what is refused for good is given up");
  t.match(lines, [/was not taken, again in/, /third - C' is given up/]);
  await mailer.close(100);
  server.stop();
});

t.test("nobody there, and a server that never speaks", async (t) => {
  const server = new SmtpServer();
  server.isBlackHole = true;
  const port = await server.start();
  for (const to of [port, 1]) {
    const lines: string[] = [];
    const notifier = notifierFor(mailPlan(to), lines);
    const startMs = performance.now();
    for (let i = 0; i < 150; i++) notifier.onInstance(0, i % 2 === 0 ? "MASTER" : "BACKUP", 100);
    t.ok(performance.now() - startMs < 500, "telling waits for nothing");
    await notifier.close();
    t.ok(performance.now() - startMs < 5000, "and ending not for long");
    t.ok(lines.some((line) => line.includes("too many wait")));
  }
  server.stop();
});
