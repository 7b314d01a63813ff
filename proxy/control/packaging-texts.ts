// The proxy's manual pages and shell completion, made of the tables that the program itself reads: flags, runtime API commands, keywords.

import { definitions, fromMarkdown, literal, paragraph, renderManPage } from "../../shared/packaging/man.ts";
import { renderReference } from "../config/keywords/reference.ts";
import { flagUsages, usageText } from "./command-line.ts";
import { COMMANDS } from "./runtime-api/commands.ts";

const SIGNALS: readonly (readonly [string, string])[] = [
  ["SIGTERM, SIGINT", "Stops at once: every connection is closed. Status 143 (130) under a master."],
  ["SIGUSR1", "Soft stop: listening sockets close, what is under way finishes, then the process ends with status 0."],
  ["SIGUSR2, SIGHUP", "Under a master (-W, -Ws): reload. A configuration that does not load changes nothing."],
  ["SIGTTOU, SIGTTIN", "Pause and resume the listening sockets, where served."],
  ["SIGHUP", "Without a master: the states of servers go to the log."],
];

const SUBCOMMANDS: readonly (readonly [string, string])[] = [
  [
    "ringway check [--explain] FILE...",
    "Says whether the configuration is valid; with --explain what every listener, rule and server comes to, and what looks like a mistake.",
  ],
  [
    "ringway diff OLD NEW",
    "Says what a reload from OLD to NEW would change. Status 0: nothing, 1: something, 2: one of them does not load.",
  ],
];

/** File name and text of each page. */
export function manPages(): readonly (readonly [file: string, text: string])[] {
  const program = renderManPage({
    ...{ name: "ringway", section: 8, purpose: "load balancer and proxy that reads haproxy.cfg" },
    parts: [
      ["synopsis", literal(usageText("ringway"))],
      [
        "description",
        paragraph(
          "ringway reads HAProxy's configuration language, has its flags, signals, logs and runtime API, and needs nothing but Node. Its workers drive io_uring (or epoll, where the kernel allows no ring).",
        ),
      ],
      ["words in place of flags", definitions(SUBCOMMANDS)],
      ["signals", definitions(SIGNALS)],
      ["runtime API", paragraph("Commands on a stats socket, one per line:") + definitions(runtimeCommands())],
      [
        "see also",
        paragraph(
          "ringway.cfg(5), ringway-ha(8). HAProxy's configuration.txt and management.txt describe the language and the protocol.",
        ),
      ],
    ],
  });
  const configuration = renderManPage({
    ...{ name: "ringway.cfg", section: 5, purpose: "keywords of haproxy.cfg and what ringway does with them" },
    parts: [["description", fromMarkdown(renderReference().replace(/^Generated from.*$/m, ""))]],
  });
  return [
    ["ringway.8", program],
    ["ringway.cfg.5", configuration],
  ];
}

function runtimeCommands(): (readonly [string, string])[] {
  return COMMANDS.flatMap(({ usage, description, level }) =>
    usage === null ? [] : [[usage, `${description} (level ${level})`] as const],
  );
}

/** Flags as they are typed: `-f`, `-dW`, `--engine=`. */
function flags(): string[] {
  return flagUsages().map(({ flag }) => `-${flag}`);
}

export function bashCompletion(): string {
  return `# Completion of ringway for bash: /usr/share/bash-completion/completions/ringway
_ringway() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  case "$previous" in
    -f|-p|-x|check|diff|--explain) COMPREPLY=($(compgen -f -- "$current")); return ;;
    -C) COMPREPLY=($(compgen -d -- "$current")); return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "${flags().join(" ")} --explain" -- "$current"))
  elif [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "check diff" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _ringway ringway
`;
}

export function zshCompletion(): string {
  const specs = flagUsages().map(({ flag, usage }) => {
    const text = usage.replace(/^-\S+ /, "").replaceAll(/['[\]:]/g, " ");
    const takesFile = /<(cfgfile|file|dir)/.test(usage);
    return `  '*-${flag}[${text.trim()}]${takesFile ? ":file:_files" : ""}' \\`;
  });
  return `#compdef ringway
# Completion of ringway for zsh: a file _ringway in a folder of $fpath
_arguments \\
${specs.join("\n")}
  '1:command:(check diff)' \\
  '*:file:_files'
`;
}
