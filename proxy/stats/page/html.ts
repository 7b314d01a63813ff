// HTML as a tagged template: everything that is put into it is escaped unless it is HTML already. Names of proxies and servers, reasons of
// failed checks and scopes come from outside; there is no other way into the page than through here.

/** Text that needs no escaping any more. Only `html` and `join` make it. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What may be put into a template. `null` and `undefined` leave nothing behind. */
export type HtmlValue = Html | string | number | null | undefined;

export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = strings[0];
  values.forEach((value, i) => {
    text += render(value) + strings[i + 1];
  });
  return new Html(text);
}

export function join(parts: readonly Html[]): Html {
  return new Html(parts.map(({ text }) => text).join(""));
}

function render(value: HtmlValue): string {
  if (value === null || value === undefined) return "";
  return value instanceof Html ? value.text : escapeHtml(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
