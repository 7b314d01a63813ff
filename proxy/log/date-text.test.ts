// Dates against JavaScript's own calendar, in zones with summer time, half hours and quarters.

import t from "tap";
import { DateText } from "./date-text.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** The parts of a second in the process's zone, by Date. */
function expected(second: number) {
  const date = new Date(second * 1000);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const month = MONTHS[date.getMonth()]!;
  const minutes = Math.abs(date.getTimezoneOffset());
  const zone = `${date.getTimezoneOffset() > 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
  const log = `${two(date.getDate())}/${month}/${date.getFullYear()}:${time}`;
  return {
    log,
    "log-zone": `${log} ${zone}`,
    syslog: `${month} ${String(date.getDate()).padStart(2)} ${time}`,
    iso: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${time}`,
  };
}

t.test("any second in any zone", async (t) => {
  const forms = ["log", "log-zone", "syslog", "iso"] as const;
  const seconds = [0, 951782399, 951782400, 951868799, 1709164799, 1709251200, 1792893599, 1792893600, 4102444800];
  for (let second = 1.6e9; second < 2e9; second += 12_345_679) seconds.push(second);
  for (const zone of [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
  ]) {
    process.env.TZ = zone;
    const texts = forms.map((form) => new DateText(form, true));
    for (const second of seconds) {
      const want = expected(second);
      forms.forEach((form, i) => {
        const got = Buffer.from(texts[i]!.at(second)).toString("latin1");
        if (got !== want[form]) t.equal(got, want[form], `${zone} ${second} as ${form}`);
      });
    }
    const utc = new DateText("log-zone", false);
    t.equal(
      Buffer.from(utc.at(1795398582)).toString(),
      "23/Nov/2026:01:49:42 +0000",
      `UTC whatever the zone (${zone})`,
    );
  }
});

t.test("summer time begins between two lines", async (t) => {
  process.env.TZ = "Europe/Berlin";
  const text = new DateText("log-zone", true);
  const changes = 1774746000; // 2026-03-29 01:00:00 UTC
  t.equal(Buffer.from(text.at(changes - 1)).toString(), "29/Mar/2026:01:59:59 +0100");
  t.equal(Buffer.from(text.at(changes)).toString(), "29/Mar/2026:03:00:00 +0200");
  t.equal(Buffer.from(text.at(changes - 1)).toString(), "29/Mar/2026:01:59:59 +0100", "and back for an older stream");
});
