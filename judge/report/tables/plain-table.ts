import { type Html, html } from '../html.ts';

const shownRowCountMax = 40;

/** A table with a row for each run and task; a long one is folded. */
export function runTable(heads: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html {
  const table = plainTable(heads, rows);
  if (rows.length <= shownRowCountMax) return table;
  return html`<details>
    <summary>Every run and task (${rows.length} rows)</summary>
    ${table}
  </details>`;
}

/** A table that scrolls horizontally on a narrow page. */
export function plainTable(heads: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html {
  return html`<div class="scroll">
    <table class="plain">
      <thead>
        <tr>
          ${heads.map((head) => html`<th>${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
