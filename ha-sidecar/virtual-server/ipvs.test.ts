// Virtual servers by IPVS against a kernel that is played here: the messages byte by byte, and that only what differs is told. The kernel that this
// was written on has no IPVS; what could be asked of a real one is how families of generic netlink are found.

import t from "tap";
import { ERRNO } from "../../shared/abi/errno.ts";
import { GENERIC, GENLMSGHDR, IPVS } from "../../shared/abi/ipvs.ts";
import { NLMSGHDR } from "../../shared/abi/rtnetlink.ts";
import { attributesOf, Netlink, type Request } from "../address/netlink.ts";
import { loadText } from "../config/fixture.ts";
import type { Service } from "./forwarder.ts";
import { familyIdOf, IpvsPictures } from "./ipvs-forwarder.ts";
import { destinationMessage, serviceMessage, servicesOf } from "./ipvs-messages.ts";
import { VirtualServer, type VirtualServerListener } from "./virtual-server.ts";

const FAMILY = 0x21;
const QUIET: VirtualServerListener = {
  onServer: () => {},
  onQuorum: () => {},
  onChanged: () => {},
  onFailedAttempt: () => {},
};

function pictureOf(text: string): Service[] {
  const { plan } = loadText(text);
  return plan.virtualServers.map((server) => new VirtualServer(server, plan, QUIET).service());
}

const server = (address: string, lines = "") => `  real_server ${address} {\n    ${lines}\n  }\n`;

/** Behind the netlink header, whose length is checked. */
function bodyOf(request: Request): Buffer {
  const bytes = Buffer.from(request.finish(1));
  t.equal(bytes.readUInt32LE(NLMSGHDR.nlmsg_len), bytes.length);
  t.equal(bytes.readUInt16LE(NLMSGHDR.nlmsg_type), FAMILY);
  return bytes.subarray(NLMSGHDR.sizeof);
}

const hex = (text: string): string => text.replaceAll(/\s/g, "");

t.test("messages byte by byte", (t) => {
  const [service] = servicesOf(
    pictureOf(
      `virtual_server 10.0.0.9 80 {\n  protocol TCP\n  lb_algo wlc\n  lb_kind DR\n  persistence_timeout 50\n  persistence_granularity 255.255.255.0\n${server("10.0.0.1 80", "weight 3\n    uthreshold 100\n    lthreshold 50")}}\n`,
    ),
  );
  t.equal(
    bodyOf(serviceMessage(FAMILY, IPVS.IPVS_CMD_NEW_SERVICE, service!, true)).toString("hex"),
    hex(`
      01 01 0000
      5400 0180
        0600 0100 0200 0000
        0600 0200 0600 0000
        1400 0300 0a000009 000000000000000000000000
        0600 0400 0050 0000
        0800 0600 776c6300
        0c00 0700 01000000 ffffffff
        0800 0800 32000000
        0800 0900 ffffff00`),
  );
  t.equal(
    bodyOf(destinationMessage(FAMILY, IPVS.IPVS_CMD_NEW_DEST, service!, service!.destinations[0]!, true)).toString(
      "hex",
    ),
    hex(`
      05 01 0000
      3000 0180
        0600 0100 0200 0000
        0600 0200 0600 0000
        1400 0300 0a000009 000000000000000000000000
        0600 0400 0050 0000
      4800 0280
        1400 0100 0a000001 000000000000000000000000
        0600 0200 0050 0000
        0600 0b00 0200 0000
        0800 0300 03000000
        0800 0400 03000000
        0800 0500 64000000
        0800 0600 32000000`),
  );
  t.end();
});

t.test("marks, IPv6, tunnels, ranges, engines", (t) => {
  const services = servicesOf(
    pictureOf(`virtual_server_group G {
  10.0.0.10-12 80
  fwmark 7
}
virtual_server group G {
  lb_algo rr
  lb_kind NAT
${server("10.0.0.1 8080")}}
virtual_server fd99::9 53 {
  protocol UDP
  lb_algo sh
  lb_kind TUN type gue port 6080 csum
  ops
  persistence_engine sip
${server("fd99::1 53")}}
`),
  );
  const attributes = services.map((service) => {
    const message = { type: 0, sequence: 0, bytes: bodyOf(serviceMessage(FAMILY, 1, service, true)) };
    const inside = attributesOf(message, GENLMSGHDR.sizeof).get(IPVS.IPVS_CMD_ATTR_SERVICE)!;
    return attributesOf({ ...message, bytes: inside }, 0);
  });
  const of = (index: number, type: number) => Buffer.from(attributes[index]!.get(type) ?? []).toString("hex");
  t.same(
    [0, 1, 2].map((index) => of(index, IPVS.IPVS_SVC_ATTR_ADDR).slice(0, 8)),
    ["0a00000a", "0a00000b", "0a00000c"],
    "a service for each address of a range",
  );
  t.same([of(3, IPVS.IPVS_SVC_ATTR_FWMARK), of(3, IPVS.IPVS_SVC_ATTR_ADDR)], ["07000000", ""]);
  t.equal(of(4, IPVS.IPVS_SVC_ATTR_AF), "0a00");
  t.equal(of(4, IPVS.IPVS_SVC_ATTR_FLAGS), "04000000ffffffff", "ops");
  t.equal(of(4, IPVS.IPVS_SVC_ATTR_NETMASK), "80000000", "of IPv6 a number of bits");
  t.equal(of(4, IPVS.IPVS_SVC_ATTR_PE_NAME), "73697000");
  const six = services[4]!;
  const text = bodyOf(destinationMessage(FAMILY, 5, six, six.destinations[0]!, true)).toString("hex");
  t.match(text, hex("0800 0300 02000000"), "a tunnel");
  t.match(text, hex("0500 0d00 01000000 0600 0e00 17c0 0000 0600 0f00 0100 0000"), "GUE, its port, checksums");
  t.end();
});

/** The kernel's part: services and their destinations by name. */
class Kernel {
  readonly services = new Map<string, Map<string, string>>();
  readonly asked: string[] = [];

  readonly ask = (request: Request): number => {
    const message = { type: 0, sequence: 0, bytes: new Uint8Array(bodyOf(request)) };
    const command = message.bytes[GENLMSGHDR.cmd]!;
    const parts = attributesOf(message, GENLMSGHDR.sizeof);
    const inside = (type: number) => attributesOf({ ...message, bytes: parts.get(type) ?? new Uint8Array() }, 0);
    const text = (map: Map<number, Uint8Array>, ...types: number[]) =>
      types.map((type) => Buffer.from(map.get(type) ?? []).toString("hex")).join("/");
    const [service, destination] = [inside(IPVS.IPVS_CMD_ATTR_SERVICE), inside(IPVS.IPVS_CMD_ATTR_DEST)];
    const name = text(service, IPVS.IPVS_SVC_ATTR_ADDR, IPVS.IPVS_SVC_ATTR_PORT);
    const real = Buffer.from(destination.get(IPVS.IPVS_DEST_ATTR_ADDR)?.subarray(0, 4) ?? []).join(".");
    const names: Readonly<Record<number, string>> = { 1: "+s", 2: "=s", 3: "-s", 5: "+d", 6: "=d", 7: "-d" };
    this.asked.push(`${names[command]}${real}`);
    const known = this.services.get(name);
    const weight = text(destination, IPVS.IPVS_DEST_ATTR_WEIGHT);
    switch (command) {
      case IPVS.IPVS_CMD_NEW_SERVICE:
        if (known !== undefined) return -ERRNO["EEXIST"]!;
        this.services.set(name, new Map());
        return 0;
      case IPVS.IPVS_CMD_DEL_SERVICE:
        return this.services.delete(name) ? 0 : -ERRNO["ESRCH"]!;
      case IPVS.IPVS_CMD_NEW_DEST:
        if (known!.has(real)) return -ERRNO["EEXIST"]!;
        known!.set(real, weight);
        return 0;
      case IPVS.IPVS_CMD_SET_DEST:
        known!.set(real, weight);
        return 0;
      case IPVS.IPVS_CMD_DEL_DEST:
        return known!.delete(real) ? 0 : -ERRNO["ENOENT"]!;
      default:
        return known === undefined ? -ERRNO["ESRCH"]! : 0;
    }
  };

  told(): string {
    return this.asked.splice(0).join(" ");
  }
}

t.test("only what differs is told; what is there already is taken over", (t) => {
  const text = (algo: string, servers: string) => `virtual_server 10.0.0.9 80 {\n  lb_algo ${algo}\n${servers}}\n`;
  const [one, two] = [server("10.0.0.1 80", "weight 1"), server("10.0.0.2 80", "weight 1")];
  const kernel = new Kernel();
  const pictures = new IpvsPictures(FAMILY, kernel.ask);
  t.equal(pictures.show(pictureOf(text("rr", one + two))), 0);
  t.equal(kernel.told(), "+s +d10.0.0.1 +d10.0.0.2");
  pictures.show(pictureOf(text("rr", one + two)));
  t.equal(kernel.told(), "", "nothing has changed");
  pictures.show(pictureOf(text("rr", one + server("10.0.0.2 80", "weight 0"))));
  t.equal(kernel.told(), "+d10.0.0.2 =d10.0.0.2", "a weight");
  pictures.show(pictureOf(text("wlc", one)));
  t.equal(kernel.told(), "+s =s -d10.0.0.2", "another scheduler, a server less");

  const heir = new IpvsPictures(FAMILY, kernel.ask);
  t.equal(heir.show(pictureOf(text("wlc", one + two))), 0);
  t.equal(kernel.told(), "+s =s +d10.0.0.1 =d10.0.0.1 +d10.0.0.2", "an earlier run's service");
  kernel.services.clear();
  t.equal(heir.show([]), 0, "gone is gone");
  t.equal(kernel.told(), "-s");
  t.end();
});

t.test("a refusal is told, and the rest of the picture stands", (t) => {
  const kernel = new Kernel();
  const pictures = new IpvsPictures(FAMILY, (request) => {
    const result = kernel.ask(request);
    return kernel.asked.at(-1) === "+d10.0.0.1" ? -ERRNO["ENOMEM"]! : result;
  });
  const picture = pictureOf(`virtual_server 10.0.0.9 80 {\n${server("10.0.0.1 80")}${server("10.0.0.2 80")}}\n`);
  t.equal(pictures.show(picture), -ERRNO["ENOMEM"]!);
  t.equal(kernel.told(), "+s +d10.0.0.1 +d10.0.0.2");
  t.end();
});

t.test("families of generic netlink are found by their names", (t) => {
  const netlink = Netlink.open(GENERIC.NETLINK_GENERIC);
  if (typeof netlink === "number") {
    t.comment(`SKIPPED: this kernel has no generic netlink: errno ${-netlink}`);
  } else {
    t.equal(familyIdOf(netlink, "nlctrl"), GENERIC.GENL_ID_CTRL, "its own");
    t.equal(familyIdOf(netlink, "no such family"), null);
    netlink.close();
  }
  t.end();
});
