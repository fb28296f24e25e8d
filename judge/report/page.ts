/** The frame of a report: one HTML file that needs no network, no script and no other file. */
import { type Html, html, trusted } from './html.ts';
import { styleSheet } from './style.ts';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly about?: string;
  readonly body: Html;
}

interface Page {
  /** What is reported, in two words. */
  readonly kind: string;
  readonly title: string;
  /** Below the title. */
  readonly head: Html;
  readonly sections: readonly Section[];
  readonly foot: string;
}

export function page({ kind, title, head, sections, foot }: Page): string {
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        />
        <title>${title} · ${kind.toLowerCase()}</title>
        <style>
          ${trusted(styleSheet)}
        </style>
      </head>
      <body>
        <header class="top">
          <p class="eyebrow">${kind}</p>
          <h1>${title}</h1>
          ${head}
        </header>
        <nav aria-label="Sections">
          <div>${sections.map((section) => html`<a href="#${section.id}">${section.title}</a>`)}</div>
        </nav>
        <main>
          ${sections.map(
            (section) =>
              html`<section id="${section.id}">
                <h2>${section.title}</h2>
                ${section.about === undefined ? undefined : html`<p class="muted">${section.about}</p>`}${section.body}
              </section>`,
          )}
        </main>
        <footer>${foot}</footer>
      </body>
    </html> `;
  return whole.text;
}
