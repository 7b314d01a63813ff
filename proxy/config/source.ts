// Reads configuration files and gives their logical lines one after the other: the language layer's front door.
//
//   -f arguments → files (sources.ts) → physical lines → words (lexer.ts) → conditional blocks (directives.ts) → onLine(line)
//
// Lines come through a callback, lazily, because a line can change how the next ones are read: `setenv` in `global` changes what
// `"$NAME"` and `.if defined(NAME)` mean below it. The receiver does that through `context.environment`, and tells through
// `context.section` which section it is in (for the pseudo-variable `.SECTION`).
//
// What does not live here: sections and keywords. An `unknown keyword 'x' out of section.` is the receiver's to report.

import type { Diagnostics, Place } from "../../shared/diagnostic/diagnostic.ts";
import { Directives } from "./directives.ts";
import type { Environment } from "./environment.ts";
import type { Variables } from "./expansion.ts";
import { ENABLED_OPTIONS } from "./features.ts";
import { type LexicalFault, splitWords, WORDS_MAX } from "./lexer.ts";
import { type ConfigLine, type PhysicalLine, placeOf, type Word } from "./line.ts";
import { listFiles, readSource, type SourceFile } from "./sources.ts";

export interface ReadOptions {
  /** Files and directories in the order of the command line. A directory stands for its `*.cfg` files in C order, hidden ones left out. */
  readonly paths: readonly string[];
  readonly environment: Environment;
  readonly diagnostics: Diagnostics;
  /** Called for every logical line that conditional blocks let through; directives (`.if`, `.notice` …) never arrive here. */
  readonly onLine: (line: ConfigLine, context: ReadContext) => void;
  /** Called before the first line of each file. A section ends with its file, so a receiver forgets its section here. */
  readonly onFile?: (file: string, context: ReadContext) => void;
  /** Name of the local peer (-L), for HAPROXY_LOCALPEER. */
  readonly localpeer: string;
}

/** What the receiver of lines may read and change while the files are being read. */
export interface ReadContext {
  readonly environment: Environment;
  readonly diagnostics: Diagnostics;
  /** Name of the current section, or its kind when it has no name (`global`), "" outside of any. The receiver sets it. */
  section: string;
  /** What `enabled()` answers true for. `noreuseport` and the like delete from it. */
  readonly enabledOptions: Set<string>;
}

/** HAProxy stops at so many errors in one file: whatever it is, it is no configuration. */
const ERRORS_MAX = 50;

/** Reads everything. Faults go to `options.diagnostics`; the lines that could be read are delivered all the same. */
export function readConfiguration(options: ReadOptions): void {
  const files = listFiles(options.paths, options.diagnostics);
  options.environment.provide(files, options.localpeer);
  const context: ReadContext = {
    environment: options.environment,
    diagnostics: options.diagnostics,
    section: "",
    enabledOptions: new Set(ENABLED_OPTIONS),
  };
  for (const file of files) {
    const source = readSource(file, options.diagnostics);
    if (source !== null) readText(source, context, options);
  }
}

/** Reads one file whose text is at hand. */
export function readText(
  source: SourceFile,
  context: ReadContext,
  receiver: Pick<ReadOptions, "onLine" | "onFile">,
): void {
  context.section = "";
  receiver.onFile?.(source.name, context);
  new FileReader(source, context, receiver.onLine).run();
}

class FileReader implements Variables {
  readonly #source: SourceFile;
  readonly #context: ReadContext;
  readonly #diagnostics: Diagnostics;
  readonly #directives: Directives;
  readonly #onLine: ReadOptions["onLine"];
  /** Words of a line that goes on in the next one. */
  #words: Word[] = [];
  #number = 0;
  #endsInContinuation = false;

  constructor(source: SourceFile, context: ReadContext, onLine: ReadOptions["onLine"]) {
    this.#source = source;
    this.#context = context;
    this.#diagnostics = context.diagnostics;
    this.#directives = new Directives(context.diagnostics, context);
    this.#onLine = onLine;
  }

  run(): void {
    const { text } = this.#source;
    const errorsBefore = this.#diagnostics.counts.alert;
    let start = 0;
    while (start < text.length) {
      const lineFeed = text.indexOf("\n", start);
      const end = lineFeed < 0 ? text.length : lineFeed;
      const physical: PhysicalLine = { number: ++this.#number, raw: text.slice(start, end) };
      if (this.#diagnostics.counts.alert - errorsBefore >= ERRORS_MAX) {
        this.#tooManyErrors(physical);
        return;
      }
      this.#physicalLine(physical, lineFeed < 0, end + 1 >= text.length);
      start = end + 1;
    }
    if (this.#endsInContinuation) this.#danglingContinuation();
    this.#directives.finish(this.#number);
  }

  get(name: string): string | null {
    return this.#context.environment.get(name);
  }

  getPseudo(name: string): string | null {
    if (name === ".FILE") return Buffer.from(this.#source.name, "utf8").toString("latin1");
    if (name === ".LINE") return String(this.#number);
    if (name === ".SECTION") return this.#context.section;
    return null;
  }

  #physicalLine(physical: PhysicalLine, lacksLineFeed: boolean, isLast: boolean): void {
    const nul = physical.raw.indexOf("\0");
    if (nul >= 0 && !isLast) {
      const message = `Stray NUL character at position ${nul + 1}.`;
      this.#fault(physical, { code: "stray-nul", message, column: nul + 1, length: 1 });
      this.#words = [];
      return;
    }
    const lexed = splitWords(physical, this);
    if (lexed.fault !== null) {
      this.#fault(physical, lexed.fault);
      this.#words = [];
    } else {
      // Not push(...): a line may have more words than a call may have arguments.
      for (const word of lexed.words) this.#words.push(word);
      this.#endsInContinuation = lexed.continues;
      if (!lexed.continues || isLast) this.#logicalLine();
    }
    if (lacksLineFeed || nul >= 0) this.#missingLineFeed(physical, nul);
  }

  #logicalLine(): void {
    const words = this.#words;
    this.#words = [];
    const first = words[0];
    if (first === undefined) return;
    const { number, raw } = first.physical;
    const line: ConfigLine = { file: this.#source.name, line: number, raw, words };
    if (words.length > WORDS_MAX) {
      this.#tooManyWords(line);
      words.length = WORDS_MAX;
    }
    this.#warnOfEmptyWords(line);
    if (first.text === "") return;
    if (this.#directives.handle(line)) return;
    if (this.#directives.active) this.#onLine(line, this.#context);
  }

  #warnOfEmptyWords(line: ConfigLine): void {
    const index = line.words.findIndex((word) => word.text === "");
    if (index < 0) return;
    const word = line.words[index]!;
    const message =
      `argument number ${index + 1} at position ${word.column} is empty and marks the end of the argument list; ` +
      "all subsequent arguments will be ignored:";
    this.#diagnostics.warning("empty-argument", placeOf(line, word), message, { introduction: "tight" });
  }

  #tooManyWords(line: ConfigLine): void {
    const last = line.words[WORDS_MAX - 1]!;
    // HAProxy counts from the first word.
    const position = last.column - line.words[0]!.column + 1;
    const message = `too many words, truncating after word ${WORDS_MAX}, position ${position}: <${last.text}>.`;
    this.#diagnostics.alert("too-many-words", placeOf(line, last), message, { introduction: "tight" });
  }

  #missingLineFeed(physical: PhysicalLine, nul: number): void {
    const column = (nul < 0 ? physical.raw.length : nul) + 1;
    const message = `Missing LF on last line, file might have been truncated at position ${column}.`;
    const hint = "End the last line with a line feed.";
    this.#fault(physical, { code: "missing-line-feed", message, column, length: 1, hint });
  }

  #danglingContinuation(): void {
    const place: Place = { file: this.#source.name, line: this.#number, column: 0, length: 0, sourceLine: "" };
    const message = "the last line ends in '\\' but nothing follows.";
    this.#diagnostics.warning("dangling-continuation", place, message, { introduction: "tight" });
  }

  #tooManyErrors(physical: PhysicalLine): void {
    const message = `too many fatal errors (${ERRORS_MAX}), stopping now.`;
    this.#fault(physical, { code: "too-many-errors", message, column: 0, length: 0 });
  }

  #fault(physical: PhysicalLine, fault: LexicalFault): void {
    const place: Place = {
      file: this.#source.name,
      line: physical.number,
      column: fault.column,
      length: fault.length,
      sourceLine: physical.raw,
    };
    this.#diagnostics.alert(fault.code, place, fault.message, { introduction: "tight", hint: fault.hint });
  }
}
