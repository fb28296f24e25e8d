/** The frame of a page: letters, the bar above, headings, and what all views share. */
export const frameStyle = `
* { box-sizing: border-box; }
html { scroll-padding-top: 60px; }
body { margin: 0; background: var(--ground); color: var(--ink); font-variant-numeric: tabular-nums; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; text-underline-offset: 3px; }
button, input, select { font: inherit; color: inherit; }
main { max-width: 1240px; margin: 0 auto; padding: 34px 24px 80px; }
.bar { position: sticky; top: 0; z-index: 5; display: flex; align-items: center; gap: 6px 26px; padding: 0 max(24px, calc((100vw - 1240px) / 2 + 24px)); min-height: 50px; background: color-mix(in srgb, var(--ground) 90%, transparent); backdrop-filter: blur(10px); border-bottom: 1px solid var(--line); }
.brand { display: inline-flex; align-items: center; gap: 9px; color: var(--ink); font-weight: 650; letter-spacing: -.01em; }
.brand:hover { text-decoration: none; }
.crumb { color: var(--muted); font-size: 14px; max-width: 22ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; margin-left: -14px; }
.crumb::before { content: "/"; margin-right: 12px; opacity: .5; }
.brand i { width: 11px; height: 11px; border-radius: 50%; background: var(--accent); }
.bar nav { display: flex; flex: 1; gap: 0 20px; overflow-x: auto; scrollbar-width: none; }
.bar nav a { color: var(--muted); font-size: 14px; padding: 14px 0 12px; border-bottom: 2px solid transparent; white-space: nowrap; }
.bar nav a:hover { color: var(--ink); text-decoration: none; }
.bar nav a[aria-current] { color: var(--ink); border-color: var(--accent); }
.round { flex: none; width: 28px; height: 28px; border-radius: 50%; border: 1px solid var(--line); background: var(--card); color: var(--muted); cursor: pointer; font-size: 14px; line-height: 1; }
.round:hover { color: var(--ink); }
.eyebrow { color: var(--accent); font-weight: 600; font-size: 13px; letter-spacing: .02em; margin: 0 0 6px; }
h1 { font-size: clamp(26px, 4vw, 36px); line-height: 1.14; letter-spacing: -.025em; margin: 0 0 16px; overflow-wrap: anywhere; }
.head h1 { margin-bottom: 6px; }
.head { margin-bottom: 20px; }
h1 small, h2 small { color: var(--muted); font-weight: 400; font-size: .62em; letter-spacing: 0; }
h2 { font-size: 20px; letter-spacing: -.015em; margin: 0 0 8px; }
section { margin: 34px 0 0; }
p { margin: 0 0 10px; }
small, .muted { color: var(--muted); font-size: 13px; font-weight: 400; }
.lead { font-size: 17px; color: var(--muted); max-width: 70ch; margin: 0 0 8px; }
code, kbd { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--odd); font-style: normal; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
.scroll { overflow-x: auto; }
.facts-line { display: flex; flex-wrap: wrap; gap: 2px 18px; color: var(--muted); font-size: 13px; margin: 0; align-items: baseline; }
.facts-line b { color: var(--ink); font-weight: 600; }
.notice { max-width: 62ch; padding: 20px 0; color: var(--muted); }
.notice.failed { background: var(--card); border: 1px solid var(--line); border-left: 3px solid var(--bad); border-radius: 10px; padding: 16px 20px; color: var(--ink); margin: 10px 0; overflow-wrap: anywhere; }
.notice.failed p { margin: 4px 0; color: var(--muted); font-size: 14px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 0 34px; }
.columns > section { min-width: 0; }
.chart-head { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 20px; margin: 4px 0 14px; font-size: 14px; }
.check { display: inline-flex; align-items: center; gap: 7px; font-size: 14px; color: var(--muted); cursor: pointer; }
.check input { accent-color: var(--accent); margin: 0; }
.filters { display: flex; flex-wrap: wrap; gap: 12px 14px; padding: 14px 16px; margin-bottom: 18px; align-items: end; }
.field { display: grid; gap: 3px; min-width: 120px; }
.field span { color: var(--muted); font-size: 12px; }
.field.wide { flex: 1 1 210px; } .field.short { min-width: 84px; width: 84px; }
.field input, .field select { width: 100%; min-height: 36px; padding: 5px 10px; border-radius: 8px; border: 1px solid var(--line); background: var(--ground); font-size: 14px; }
.choices { display: inline-flex; border: 1px solid var(--line); border-radius: 9px; background: var(--ground); overflow: hidden; }
.choices button { border: 0; border-left: 1px solid var(--line); background: none; padding: 6px 13px; min-height: 34px; font-size: 14px; color: var(--muted); cursor: pointer; }
.choices button:first-child { border-left: 0; }
.choices button:hover { color: var(--ink); }
.choices button[aria-pressed="true"] { background: var(--ink); color: var(--ground); }
.more { display: flex; justify-content: center; padding: 22px; }
.more button, dialog button, .answer-row button, .plain-button { border: 1px solid var(--line); background: var(--card); border-radius: 9px; padding: 7px 18px; min-height: 36px; cursor: pointer; font-size: 14px; }
.more button:hover, dialog button:hover { border-color: var(--muted); }
dialog { border: 1px solid var(--line); border-radius: 16px; background: var(--card); color: var(--ink); padding: 24px 28px; max-width: min(440px, calc(100vw - 32px)); }
dialog::backdrop { background: #0009; }
.help dl { display: grid; gap: 7px; margin: 12px 0 20px; }
.help dl div { display: grid; grid-template-columns: 64px 1fr; align-items: baseline; }
.help dd { margin: 0; }
kbd { display: inline-block; min-width: 26px; text-align: center; padding: 1px 7px; border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 6px; background: var(--soft); }
.lightbox { max-width: none; padding: 0; border: 0; background: none; cursor: zoom-out; text-align: center; }
.lightbox img { display: block; width: min(86vw, 86vh, 900px); max-height: 82vh; object-fit: contain; image-rendering: pixelated; border-radius: 12px; background: #000; }
.lightbox p { color: #f4f4f6; font-size: 14px; padding-top: 12px; margin: 0; display: flex; gap: 18px; justify-content: center; align-items: center; }
.lightbox button { color: #f4f4f6; background: #0006; border-color: #fff5; }
@media (max-width: 560px) {
  main { padding: 22px 16px 60px; }
  .bar { padding: 0 16px; gap: 6px 16px; }
  .brand { font-size: 0; gap: 0; } .crumb { display: none; }
  .filters { padding: 12px; gap: 10px; }
  .field { flex: 1 1 42%; min-width: 0; } .field.short { width: auto; flex: 1 1 30%; }
  .choices { width: 100%; } .choices button { flex: 1; padding: 6px 4px; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
`;
