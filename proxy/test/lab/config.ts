// Pieces of configuration that most end-to-end tests begin with.

/** `global` with the given lines, and `defaults` of mode http with timeouts that no passing test ever waits for. */
export function basics(globalLines = "", defaultsLines = ""): string {
  return `
global
${globalLines}
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${defaultsLines}
`;
}

/** A `listen` section on a port of this machine. */
export function listen(name: string, port: number, lines: string): string {
  return `listen ${name}\n  bind 127.0.0.1:${port}\n${indented(lines)}`;
}

function indented(lines: string): string {
  return `${lines
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => `  ${line}`)
    .join("\n")}\n`;
}
