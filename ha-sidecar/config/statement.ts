// What the language layer gives: statements, nested as the braces say. Which words have a meaning is not known here.

import type { Place } from "../../shared/diagnostic/diagnostic.ts";
import type { PlacedText } from "./text.ts";
import type { Word } from "./words.ts";

export interface Statement {
  /** In the plain way of words.ts; at least one. */
  readonly words: readonly Word[];
  /** The whole, for those who split it in another way (scripts). */
  readonly text: PlacedText;
  /** What stands between the braces that follow; null: there are none. */
  block: Statement[] | null;
  /** Where the opening brace stands. */
  openedAt: Place | null;
  /** false: the file ended before its closing brace. */
  closed: boolean;
}

/** The place of a word, or, where it is missing, just behind the last one. */
export function placeOf(statement: Statement, index = 0): Place {
  return statement.words[index]?.place ?? statement.text.place(statement.text.text.length, statement.text.text.length);
}

export function keywordOf(statement: Statement): string {
  return statement.words[0]!.text;
}

/** For lines that hold a secret: the line is named, but neither it nor a caret is shown. */
export function withoutText(place: Place): Place {
  return { ...place, column: 0 };
}
