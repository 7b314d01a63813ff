// Where addresses stand and which interfaces are watched because of that: as keepalived has it.

import t from "tap";
import { instancePlan, virtualAddress } from "../plan/fixture.ts";
import { deviceOf, macvlanNamesOf, trackedDevices } from "./devices.ts";

const VMAC = { interface: "vrrp.50", mac: Uint8Array.of(0, 0, 0x5e, 0, 1, 50), transmitBase: false };

t.test("devices of addresses", async (t) => {
  const plain = instancePlan();
  const vmac = instancePlan({ vmac: VMAC });
  const cases: readonly (readonly [text: string, changes: object, plain: string, vmac: string])[] = [
    ["10.0.0.1/24", {}, "eth0", "vrrp.50"],
    ["10.0.0.1/24", { interface: "eth0" }, "eth0", "vrrp.50"],
    ["10.0.0.1/24", { interface: "eth1" }, "eth1", "eth1"],
    ["fd00::1/64", {}, "eth0", "eth0"],
    ["fd00::1/64", { interface: "eth0", useVmac: true }, "vrrp6.50.eth0", "vrrp6.50.eth0"],
    ["10.0.0.1/24", { interface: "eth1", useVmac: true }, "vrrp.50.eth1", "vrrp.50.eth1"],
  ];
  for (const [text, changes, onPlain, onVmac] of cases) {
    const address = virtualAddress(text, changes);
    t.same(
      [deviceOf(plain, address), deviceOf(vmac, address)],
      [onPlain, onVmac],
      `${text} ${JSON.stringify(changes)}`,
    );
  }
});

t.test("devices that are watched", async (t) => {
  const plan = instancePlan({
    vmac: VMAC,
    addresses: [virtualAddress("10.0.0.1/24"), virtualAddress("10.0.0.2/24", { interface: "eth1" })],
    excludedAddresses: [
      virtualAddress("10.0.0.3/24", { interface: "eth2", noTrack: true }),
      virtualAddress("fd00::1/64", { interface: "eth3", useVmac: true }),
      virtualAddress("fd00::2/64"),
    ],
  });
  t.same(trackedDevices(plan), ["eth1", "vrrp6.50.eth3"]);
  t.same(macvlanNamesOf(plan), ["vrrp.50", "vrrp6.50.eth3"]);
  t.same(trackedDevices(instancePlan()), []);
});
