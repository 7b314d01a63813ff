// A vrrp_sync_group: its members are MASTER all together or not at all, and a fault of one is a fault of all.
//
// A member whose down timer has expired waits until those of all others have (`mayBecomeMaster`), then all go. With priorities crossed
// between two nodes both would then yield to each other for ever; instance.ts delays an instance that flaps by a random time, after
// which one node is first on all members and the other one hears it.

import type { VirtualRouter } from "./instance.ts";

/** The reason of faults that come from other members. */
export const GROUP_FAULT = "sync group";

export class SyncGroup {
  readonly name: string;
  readonly #members: VirtualRouter[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get members(): readonly VirtualRouter[] {
    return this.#members;
  }

  add(router: VirtualRouter): void {
    this.#members.push(router);
    router.group = this;
  }

  /** True when nothing but `router` itself stands between the group and MASTER. */
  mayBecomeMaster(router: VirtualRouter): boolean {
    return this.#members.every((member) => member === router || member.state === "MASTER" || member.wantsMaster);
  }

  /** `router` became MASTER: the others, which were waiting for it, follow. */
  onMaster(router: VirtualRouter): void {
    for (const member of this.#members) if (member !== router && member.state === "BACKUP") member.promote();
  }

  /** `router` is no master any more. */
  onBackup(router: VirtualRouter): void {
    for (const member of this.#members) if (member !== router) member.onGroupBackup();
  }

  /** The own faults of a member changed: the others have one exactly when somebody else does. */
  onFaults(): void {
    for (const member of this.#members) {
      const faulty = this.#members.some((other) => other !== member && other.ownFaults > 0);
      member.setFault(GROUP_FAULT, faulty);
    }
  }
}
