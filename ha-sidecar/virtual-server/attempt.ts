// One attempt of a check: what every kind of check is made of. The time limit is the caller's.

import { createConnection, type Socket, type TcpNetConnectOpts } from "node:net";
import type { CheckTarget } from "../plan/virtual-server.ts";

export interface Result {
  /** null: it went well. */
  readonly failure: string | null;
  /** misc_dynamic, FILE_CHECK: the weight that the server gets from now on. */
  readonly weight?: number;
}

/** Called at most once. */
export type OnResult = (result: Result) => void;

/** Starts an attempt; the returned function gives it up without a result. */
export type Attempt = (done: OnResult) => () => void;

/** Where to connect to, with what `bindto` and `bind_port` say. */
export function connectionTo(target: CheckTarget): TcpNetConnectOpts {
  return {
    host: target.address.text,
    port: target.port,
    ...(target.bindAddress === null ? {} : { localAddress: target.bindAddress.text }),
    ...(target.bindPort === 0 ? {} : { localPort: target.bindPort }),
  };
}

/** An attempt on a TCP connection; `talk` goes on when it stands. */
export function onConnection(
  open: () => Socket,
  talk: (socket: Socket, finish: (failure: string | null) => void) => void,
  event: "connect" | "secureConnect" = "connect",
): Attempt {
  return (done) => {
    let isOver = false;
    let socket: Socket;
    try {
      socket = open();
    } catch (error) {
      // A certificate that has vanished, say.
      done({ failure: (error as Error).message });
      return () => {};
    }
    const finish = (failure: string | null) => {
      if (isOver) return;
      isOver = true;
      socket.destroy();
      done({ failure });
    };
    socket.on(event, () => talk(socket, finish));
    socket.on("error", (error) => finish(error.message));
    socket.on("close", () => finish("the connection was closed"));
    return () => {
      isOver = true;
      socket.destroy();
    };
  };
}

/** TCP_CHECK: a connection is accepted. */
export function tcpAttempt(target: CheckTarget): Attempt {
  return onConnection(
    () => createConnection(connectionTo(target)),
    (_, finish) => finish(null),
  );
}
