// From the paths of the command line to the bytes of the files: directories are listed, files are read, nothing is interpreted.
//
// Reading is synchronous: it happens before anything is served, and `/dev/stdin` or a pipe (`-f <(…)`) works as any file does.

import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { type Diagnostics, NOWHERE } from "../../shared/diagnostic/diagnostic.ts";

/** HAProxy's bound for one file; without one, `-f /dev/zero` would never end. */
const FILE_BYTES_MAX = 10 * 1024 * 1024;

export interface SourceFile {
  /** As the command line or the directory names it; this is what messages show. */
  readonly name: string;
  /** The bytes of the file, one character each. */
  readonly text: string;
}

/**
 * The files that `paths` stand for, in order. A directory stands for the regular files in it whose names end in `.cfg` and do not begin
 * with a dot, in C order (by bytes).
 */
export function listFiles(paths: readonly string[], diagnostics: Diagnostics): string[] {
  const files: string[] = [];
  for (const path of paths) {
    try {
      if (statSync(path).isDirectory()) files.push(...listDirectory(path));
      else files.push(path);
    } catch (error) {
      // An empty name would be invisible in the message.
      const shown = path === "" ? "''" : path;
      const message = `Cannot open configuration file/directory ${shown} : ${describe(error)}`;
      diagnostics.alert("file-not-found", NOWHERE, message, { introduction: "none" });
    }
  }
  return files;
}

function listDirectory(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".cfg") && !name.startsWith("."))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => `${directory}/${name}`)
    .filter((path) => statSync(path).isFile());
}

/** Reads one file; null when that is not possible, which has then been reported. */
export function readSource(name: string, diagnostics: Diagnostics): SourceFile | null {
  try {
    const bytes = readBounded(name);
    if (bytes !== null) return { name, text: bytes.toString("latin1") };
    const limit = FILE_BYTES_MAX / 1024 / 1024;
    const message = `Loading ${name}: input is too large, limited to ${limit}MB.`;
    diagnostics.alert("file-too-large", NOWHERE, message, { introduction: "none" });
  } catch (error) {
    const message = `Could not open configuration file ${name} : ${describe(error)}`;
    diagnostics.alert("file-unreadable", NOWHERE, message, { introduction: "none" });
  }
  return null;
}

/** The file's bytes, or null when there are too many. */
function readBounded(name: string): Buffer | null {
  const descriptor = openSync(name, "r");
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const chunkBytes = Math.min(Math.max(fstatSync(descriptor).size, 64 * 1024), FILE_BYTES_MAX) + 1;
    for (;;) {
      const chunk = Buffer.alloc(chunkBytes);
      const received = readSync(descriptor, chunk, 0, chunk.length, null);
      if (received === 0) return Buffer.concat(chunks);
      bytes += received;
      if (bytes > FILE_BYTES_MAX) return null;
      chunks.push(chunk.subarray(0, received));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The C library's words for the errors that opening and reading a file can meet; they are part of HAProxy's messages. */
const ERRORS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EMFILE: "Too many open files",
  ENAMETOOLONG: "File name too long",
  ENOENT: "No such file or directory",
  ENOTDIR: "Not a directory",
  ENXIO: "No such device or address",
  EPERM: "Operation not permitted",
};

/** Describes a failed system call; anything else is a bug of ours and thrown on. */
function describe(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") throw error;
  if (!("syscall" in error)) throw error;
  return ERRORS[error.code] ?? error.message;
}
