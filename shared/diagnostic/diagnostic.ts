// Diagnostics as data: what a configuration did wrong (or did in a way worth a word), with the place it was written at.
//
// Who finds a fault adds a `Diagnostic` to a `Diagnostics` and goes on, so that one run reports all of them. How they look is the
// business of render.ts, which words to propose the business of suggest.ts. Nothing here knows what a configuration says.
//
// Text is a *byte string*: one character per byte of the file (latin1), because a configuration may hold any bytes and HAProxy
// counts positions in bytes. render.ts decodes it as UTF-8 for the eye.

/** HAProxy's levels for messages: `[ALERT]` makes the configuration invalid, `[DIAG]` is shown with -dD only. */
export type Severity = "alert" | "warning" | "notice" | "diag";

/** Where something stands in a file. `line` and `column` count from 1, `column` and `length` in bytes of `sourceLine`. */
export interface Place {
  readonly file: string;
  /** 0: the file as a whole (it could not be opened, say). */
  readonly line: number;
  /** 0: the line as a whole, no caret is drawn. */
  readonly column: number;
  readonly length: number;
  /** The physical line as it stands in the file, without its line end; "" when there is none to show. */
  readonly sourceLine: string;
}

export interface Diagnostic extends Place {
  /** Stable name of the kind of fault, kebab-case, e.g. `unknown-keyword`; for tests and tools, never shown to users. */
  readonly code: string;
  readonly severity: Severity;
  /** HAProxy's wording, exactly, without its `parsing [file:line]` introduction. */
  readonly message: string;
  /**
   * How HAProxy introduces this message: `spaced` is `parsing [file:line] : …` (keywords), `tight` is `parsing [file:line]: …`
   * (the language layer and some sections), `located` is `[file:line] : …` (server lines), `none` is the bare message (faults found
   * after reading, e.g. `Proxy 'x': …`).
   */
  readonly introduction: "spaced" | "tight" | "located" | "none";
  /** What would have been right, as a noun phrase: `a time such as 5s`. */
  readonly expected: string | null;
  /** Known words near to the one that was written, best first. */
  readonly suggestions: readonly string[];
  /** A sentence with more help: why, what to write instead. */
  readonly hint: string | null;
}

/** What may be left out when a diagnostic is added. */
export interface DiagnosticDetails {
  readonly introduction?: Diagnostic["introduction"];
  readonly expected?: string;
  readonly suggestions?: readonly string[];
  readonly hint?: string;
}

/** No file at all: a fault of the command line or of the whole. */
export const NOWHERE: Place = { file: "", line: 0, column: 0, length: 0, sourceLine: "" };

/** Collects diagnostics in the order they were found. */
export class Diagnostics {
  readonly #list: Diagnostic[] = [];
  readonly #counts: Record<Severity, number> = { alert: 0, warning: 0, notice: 0, diag: 0 };

  /** All diagnostics so far, in the order they were added. */
  get list(): readonly Diagnostic[] {
    return this.#list;
  }

  /** How many there are of each severity. */
  get counts(): Readonly<Record<Severity, number>> {
    return this.#counts;
  }

  /** True when the configuration must not be used. */
  get hasErrors(): boolean {
    return this.#counts.alert > 0;
  }

  add(diagnostic: Diagnostic): void {
    this.#list.push(diagnostic);
    this.#counts[diagnostic.severity]++;
  }

  /** An error: the configuration is invalid. */
  alert(code: string, place: Place, message: string, details: DiagnosticDetails = {}): void {
    this.report("alert", code, place, message, details);
  }

  /** Something that works but is probably not meant (fatal with -dW and `zero-warning`). */
  warning(code: string, place: Place, message: string, details: DiagnosticDetails = {}): void {
    this.report("warning", code, place, message, details);
  }

  report(severity: Severity, code: string, place: Place, message: string, details: DiagnosticDetails = {}): void {
    this.add({
      code,
      severity,
      file: place.file,
      line: place.line,
      column: place.column,
      length: place.length,
      sourceLine: place.sourceLine,
      message,
      introduction: details.introduction ?? "spaced",
      expected: details.expected ?? null,
      suggestions: details.suggestions ?? [],
      hint: details.hint ?? null,
    });
  }
}
