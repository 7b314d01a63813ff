// Where news about servers goes: the log targets of their backend with HAProxy's severities, and the process log.
//
// HAProxy says each of these sentences twice, on stderr as a [WARNING] or [ALERT] and through syslog, where it has a severity of its own; so
// do we. The field `logged` tells the process log's mirror that syslog has the sentence already.

import type { ProxyPlan } from "../../plan/plan.ts";
import type { ProcessLog } from "../process-log.ts";
import { News } from "./news.ts";

/** Syslog severities that events of servers use. */
export const SEVERITY = { emergency: 0, alert: 1, warning: 4, notice: 5, info: 6 } as const;

/** Sends one text to the log targets of a proxy (of the `global` section: null), without waiting. */
export interface EventSender {
  send(proxy: ProxyPlan | null, severity: number, text: string): void;
}

export class Announcer {
  readonly #sender: EventSender;
  readonly #processLog: Pick<ProcessLog, "alert" | "warning">;
  /** What was said last, for the statistics page. */
  readonly news = new News();

  constructor(sender: EventSender, processLog: Pick<ProcessLog, "alert" | "warning">) {
    this.#sender = sender;
    this.#processLog = processLog;
  }

  /** News about a server or a frontend. `event` names the kind of news for machines. */
  say(proxy: ProxyPlan, severity: number, event: string, text: string): void {
    this.news.add(proxy.name, severity, text);
    this.#processLog.warning(text, { event, proxy: proxy.name, logged: true });
    this.#sender.send(proxy, severity, text);
  }

  /** Nobody is left to serve: the loudest thing there is. */
  cry(proxy: ProxyPlan, event: string, text: { readonly log: string; readonly stderr: string }): void {
    this.news.add(proxy.name, SEVERITY.emergency, text.log);
    this.#processLog.alert(text.stderr, { event, proxy: proxy.name, logged: true });
    this.#sender.send(proxy, SEVERITY.emergency, text.log);
  }
}
