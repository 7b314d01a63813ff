// The table of keywords as a whole: every row is described and stands once, every must and should of the reference is there, and the
// reference page is what the table says.

import { readFileSync } from "node:fs";
import t from "tap";
import { SOURCES } from "../fixture.ts";
import type { KeywordInfo, SectionInfo } from "../keyword.ts";
import { renderReference } from "./reference.ts";
import { TOP_LEVEL } from "./top-level.ts";

function sectionsOf(section: SectionInfo, found = new Set<SectionInfo>()): Set<SectionInfo> {
  if (found.has(section)) return found;
  found.add(section);
  for (const keyword of section.keywords) if (keyword.section !== null) sectionsOf(keyword.section, found);
  return found;
}

t.test("every row is described and stands once", (t) => {
  const sections = sectionsOf(TOP_LEVEL);
  t.ok(sections.size > 20);
  for (const section of sections) {
    const names = new Set<string>();
    for (const keyword of section.keywords) {
      const name = `${section.name}: ${keyword.name}`;
      t.match(keyword.text, /^.{5,}[.)]$/, `${name} is described`);
      t.notOk(names.has(keyword.name), `${name} stands once`);
      names.add(keyword.name);
    }
  }
  t.end();
});

/** What a sidecar that replaces keepalived must and should read, block by block. */
const NEEDED: Readonly<Record<string, string>> = {
  global_defs: `router_id notification_email notification_email_from smtp_server smtp_connect_timeout script_user enable_script_security
    vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat vrrp_skip_check_adv_addr
    vrrp_version vrrp_strict vrrp_garp_interval vrrp_gna_interval vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat vrrp_min_garp
    vrrp_check_unicast_src max_auto_priority vrrp_priority vrrp_rt_priority vrrp_rlimit_rttime vrrp_no_swap vrrp_cpu_affinity
    vrrp_startup_delay vrrp_delay_after_boot use_symlink_paths dynamic_interfaces notify_fifo notify_fifo_script vrrp_notify_fifo smtp_alert smtp_alert_vrrp no_email_faults
    default_interface vrrp_mcast_group4 vrrp_mcast_group6 vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert v3_checksum_as_v2
    reload_check_config include_check`,
  vrrp_instance: `state interface virtual_router_id priority advert_int authentication virtual_ipaddress track_script track_interface
    unicast_src_ip unicast_peer nopreempt preempt_delay notify_master notify_backup notify_fault notify_stop notify smtp_alert
    garp_master_delay garp_master_repeat version virtual_ipaddress_excluded mcast_src_ip dont_track_primary virtual_routes virtual_rules
    use_vmac vmac_xmit_base accept no_accept track_process track_file track_bfd garp_lower_prio_delay garp_lower_prio_repeat
    higher_prio_send_advert down_timer_adverts check_unicast_src unicast_ttl unicast_fault_no_peer mcast_dst_ip track_src_ip strict_mode
    promote_secondaries notify_deleted notify_master_rx_lower_pri notify_priority_changes no_virtual_ipaddress old_unicast_checksum
    timer_expired_backup auth_hmac v3_checksum_as_v2 preempt native_ipv6 skip_check_adv_addr track_proxy`,
  vrrp_sync_group: `group notify_master notify_backup notify_fault notify smtp_alert track_script track_interface
    sync_group_tracking_weight notify_priority_changes`,
  vrrp_script: "script interval timeout weight fall rise user init_fail",
  vrrp_track_process: "process quorum quorum_max delay fork_delay terminate_delay weight full_command param_match",
  track_file: "file weight init_file",
  bfd_instance: "neighbor_ip source_ip min_rx min_tx multiplier idle_tx passive ttl max_hops weight",
  virtual_server: `delay_loop lb_algo lvs_sched lb_kind lvs_method protocol persistence_timeout real_server sorry_server quorum
    hysteresis quorum_up quorum_down alpha omega ha_suspend retry delay_before_retry warmup virtualhost`,
  real_server: `weight inhibit_on_failure uthreshold notify_up notify_down TCP_CHECK HTTP_GET SSL_GET MISC_CHECK SMTP_CHECK DNS_CHECK
    UDP_CHECK PING_CHECK FILE_CHECK BFD_CHECK`,
  HTTP_GET: "url connect_ip connect_port connect_timeout bindto nb_get_retry",
  url: "path digest status_code virtualhost regex",
  MISC_CHECK: "misc_path misc_timeout misc_dynamic",
};

t.test("every must and should is read", (t) => {
  const sections = [...sectionsOf(TOP_LEVEL)];
  for (const [name, words] of Object.entries(NEEDED)) {
    const keywords = sections.find((section) => section.name === name)!.keywords;
    for (const word of words.split(/\s+/)) {
      const keyword: KeywordInfo | undefined = keywords.find((candidate) => candidate.name === word);
      t.equal(keyword?.effect, "served", `${name}: ${word}`);
    }
  }
  const top =
    "interface_up_down_delays garp_group static_ipaddress static_routes static_rules track_group track_proxy virtual_server_group SSL";
  for (const word of top.split(" "))
    t.ok(
      TOP_LEVEL.keywords.some((keyword) => keyword.name === word),
      word,
    );
  t.end();
});

t.test("the reference page", (t) => {
  const page = readFileSync(new URL("config/REFERENCE.md", SOURCES), "utf8");
  t.ok(page === renderReference(), "is what the table says (npm run reference writes it)");
  t.end();
});
