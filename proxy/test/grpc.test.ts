// gRPC through the proxy, with its own client and server: unary calls and streams both ways, errors that come as trailers, many calls on one connection.

import * as grpc from "@grpc/grpc-js";
import t from "tap";
import { basics } from "./lab/config.ts";
import { freePort } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { until, within } from "./lab/time.ts";

t.setTimeout(60_000);

t.test("gRPC: unary and streams both ways, with its own client and server", async (t) => {
  const bytes = (value: Buffer): Buffer => value;
  const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
    ...{ path, requestStream, responseStream },
    ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
  });
  const service = {
    echo: method("/t.T/Echo", false, false),
    chat: method("/t.T/Chat", true, true),
    fail: method("/t.T/Fail", false, false),
  };
  const server = new grpc.Server();
  server.addService(service, {
    echo: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
      done(null, Buffer.from(call.request.toString().toUpperCase())),
    fail: (_call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
      done({ code: grpc.status.NOT_FOUND, details: "nothing here" }),
    chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on("data", (part: Buffer) => call.write(Buffer.from(`${part.toString()}!`)));
      call.on("end", () => call.end());
    },
  });
  const grpcPort = await freePort();
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  t.teardown(() => server.forceShutdown());
  await startProgram(t, {
    config: `${basics("nbthread 1")}\nlisten grpc\n  bind 127.0.0.1:${grpcPort} proto h2\n  server s 127.0.0.1:${port} proto h2\n`,
  });
  const Client = grpc.makeGenericClientConstructor(service, "T");
  const client = new Client(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure());
  t.teardown(() => client.close());
  const unary = (name: string, text: string): Promise<Buffer> =>
    new Promise((resolve, reject) =>
      (
        client as unknown as Record<
          string,
          (request: Buffer, done: (error: Error | null, value: Buffer) => void) => void
        >
      )[name]!(Buffer.from(text), (error, value) => (error ? reject(error) : resolve(value))),
    );
  t.equal((await unary("echo", "hello")).toString(), "HELLO");
  await t.rejects(unary("fail", "x"), { code: grpc.status.NOT_FOUND, details: "nothing here" });
  const all = await Promise.all(Array.from({ length: 50 }, (_, i) => unary("echo", `m${i}`)));
  t.equal(all[49]!.toString(), "M49");
  const chat = (client as unknown as { chat(): grpc.ClientDuplexStream<Buffer, Buffer> }).chat();
  const got: string[] = [];
  chat.on("data", (part: Buffer) => got.push(part.toString()));
  for (let i = 0; i < 5; i++) {
    chat.write(Buffer.from(`c${i}`));
    await until(`answer ${i}`, () => got.length === i + 1);
  }
  chat.end();
  await within("its end", new Promise((resolve) => chat.on("end", resolve)));
  t.same(got, ["c0!", "c1!", "c2!", "c3!", "c4!"]);
});
