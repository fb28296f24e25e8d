/** The report's style sheet: system fonts, light and dark by the reader's preference, one column on a phone. */
import { palette } from './palette.ts';

export const styleSheet = `
${palette}* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 56px; }
body { margin: 0; background: var(--ground); color: var(--ink); font-variant-numeric: tabular-nums; }
main, header.top, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header.top { padding-top: 48px; padding-bottom: 20px; }
.eyebrow { color: var(--accent); font-weight: 600; font-size: 13px; letter-spacing: .02em; margin: 0 0 6px; }
h1 { font-size: clamp(28px, 5vw, 42px); line-height: 1.12; letter-spacing: -.025em; margin: 0 0 8px; text-wrap: balance; }
h2 { font-size: 22px; letter-spacing: -.015em; margin: 0 0 14px; }
h3 { font-size: 15px; margin: 26px 0 10px; display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; }
p { margin: 0 0 10px; }
small, .muted { color: var(--muted); font-size: 13px; font-weight: 400; }
code { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.lead { font-size: 17px; color: var(--muted); max-width: 70ch; }
nav { position: sticky; top: 0; z-index: 2; background: color-mix(in srgb, var(--ground) 88%, transparent); backdrop-filter: blur(10px); border-bottom: 1px solid var(--line); }
nav div { max-width: 1120px; margin: 0 auto; padding: 0 24px; display: flex; flex-wrap: wrap; gap: 0 20px; }
nav a { color: var(--muted); text-decoration: none; font-size: 13.5px; padding: 8px 0; white-space: nowrap; }
nav a:hover, nav a:focus-visible { color: var(--ink); }
section { padding: 34px 0 6px; }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 14px; margin: 22px 0 0; }
.headline > div { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 16px 18px; }
.headline b { display: block; font-size: 30px; letter-spacing: -.03em; line-height: 1.15; }
.headline b small { font-size: 15px; letter-spacing: 0; }
.panel, .charts figure, .forest figure, .card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
.panel { padding: 6px 6px 4px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
.scores th, .scores td { padding: 10px 11px; text-align: right; vertical-align: top; white-space: nowrap; }
.scores thead th { color: var(--muted); font-weight: 500; font-size: 12.5px; padding-bottom: 6px; }
.scores th.span { text-align: center; font-size: 12px; padding: 8px 11px 2px; }
.scores th.span.unseen { color: var(--accent); font-weight: 600; }
.scores .arm { text-align: left; position: sticky; left: 0; background: var(--card); z-index: 1; }
.scores tbody th small { display: block; padding-left: 16px; }
.scores tbody tr { border-top: 1px solid var(--line); }
.scores td b { font-size: 16px; font-weight: 500; display: block; line-height: 1.25; }
.scores.arms th, .scores.arms td { padding-left: 8px; }
.scores.arms td, .scores.arms thead th { padding-right: 18px; }
.scores.arms tbody th small { max-width: 170px; white-space: normal; }
.scores.arms td b { position: relative; }
.scores.arms td sup { position: absolute; left: calc(100% + 1px); top: 0; font-size: 11px; font-weight: 500; line-height: 1; }
.scores td.best b { font-weight: 750; }
.scores td.mean, .scores th.mean { background: var(--soft); }
.scores td.unseen { background: var(--tint); }
.scores .ci, .scores .note { display: block; color: var(--muted); font-size: 11.5px; line-height: 1.5; }
.scores .note.warn { color: var(--odd); }
.scores .majority td, .scores .majority th { color: var(--muted); font-size: 13px; font-weight: 400; padding-top: 8px; padding-bottom: 8px; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 7px; background: var(--c); }
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); }
.s6 { --c: var(--s6); } .s7 { --c: var(--s7); } .s8 { --c: var(--s8); } .s9 { --c: var(--s9); } .s10 { --c: var(--s10); } .s11 { --c: var(--s11); }
.bar { display: block; position: relative; height: 10px; min-width: 62px; margin-top: 3px; }
.bar::before { content: ""; position: absolute; inset: 4px 0; background: var(--line); border-radius: 2px; }
.bar i { position: absolute; }
.bar .range { top: 2px; bottom: 2px; background: var(--c); opacity: .42; border-radius: 3px; min-width: 3px; }
.bar .mark { top: 0; bottom: 0; width: 3px; margin-left: -1.5px; background: var(--c); border-radius: 2px; }
.bar .base { top: 1px; bottom: 1px; width: 1px; background: var(--muted); opacity: .7; }
.claims { display: grid; gap: 12px; margin: 18px 0 0; padding: 0; list-style: none; }
.claims li { border-left: 3px solid var(--line); padding: 1px 0 1px 14px; }
.claims li:first-child { border-color: var(--accent); }
.claims b { display: block; }
.claims p { margin: 0; }
.forest { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 14px; }
figure { margin: 0; padding: 14px 16px 12px; }
.forest figure.unseen { border-color: var(--accent); }
figcaption { font-weight: 600; margin-bottom: 8px; display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; }
figcaption em { color: var(--accent); font-style: normal; font-size: 12.5px; }
figcaption small { margin-left: auto; font-size: 12px; }
.row { display: grid; grid-template-columns: 110px 1fr 116px; gap: 10px; align-items: center; padding: 3px 0; font-size: 13px; }
.row .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 110px; }
.row .bar { height: 14px; margin: 0; }
.row .bar::before { inset: 6px 0; }
.row .value { text-align: right; white-space: nowrap; }
.row .value small { font-size: 11.5px; }
.axis .ticks { display: flex; justify-content: space-between; color: var(--muted); font-size: 10.5px; }
.ticks i { font-style: normal; width: 0; display: flex; justify-content: center; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 14px; }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; color: var(--muted); font-family: inherit; }
.chart { padding-bottom: 6px; }
.chart svg [aria-label~="grid"], .chart svg [aria-label="y-grid"] { color: var(--muted); }
.legend { display: inline-flex; flex-wrap: wrap; gap: 4px 14px; font-weight: 400; font-size: 13px; color: var(--muted); }
.tabs { display: flex; flex-wrap: wrap; gap: 8px; }
.tabs > input { position: absolute; opacity: 0; pointer-events: none; }
.tabs > label { cursor: pointer; padding: 6px 14px; border-radius: 99px; border: 1px solid var(--line); background: var(--card); font-weight: 500; font-size: 14px; }
.tabs > input:focus-visible + label { outline: 2px solid var(--accent); outline-offset: 2px; }
.tabs > input:checked + label { background: var(--ink); color: var(--ground); border-color: var(--ink); }
.tabs > input:checked + label small { color: inherit; }
.cards { display: none; width: 100%; margin-top: 8px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 14px; }
#show-right:checked ~ .show-right, #show-wrong:checked ~ .show-wrong, #show-unparsable:checked ~ .show-unparsable { display: grid; }
.card { padding: 14px; display: flex; gap: 14px; align-items: flex-start; }
.card .images { display: flex; flex-direction: column; gap: 6px; flex: none; }
.card img { width: 112px; height: 112px; object-fit: contain; image-rendering: pixelated; border-radius: 8px; background: var(--soft); display: block; }
.card .images.several img { width: 84px; height: 84px; }
.card .said { min-width: 0; flex: 1; }
.card header { display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; margin-bottom: 4px; }
.card p { margin: 0 0 7px; font-size: 14px; line-height: 1.4; overflow-wrap: anywhere; }
.card .prompt { color: var(--muted); font-size: 13px; }
.card .rationale { border-left: 2px solid var(--line); padding-left: 9px; font-style: italic; }
.card .raw { font: 12.5px/1.4 ui-monospace, Menlo, Consolas, monospace; background: var(--soft); border-radius: 6px; padding: 6px 8px; }
.card .reward { margin: 0; }
.chip { display: inline-block; padding: 1px 10px; border-radius: 99px; font-weight: 600; color: var(--good); background: color-mix(in srgb, var(--good) 13%, transparent); }
.chip.wrong { color: var(--bad); background: color-mix(in srgb, var(--bad) 13%, transparent); }
.chip.unparsable { color: var(--odd); background: color-mix(in srgb, var(--odd) 15%, transparent); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 8px 22px; margin: 0 0 16px; padding: 0; list-style: none; }
.facts b { display: block; font-size: 21px; font-weight: 600; letter-spacing: -.02em; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 24px; }
details { margin: 16px 0 0; }
summary { cursor: pointer; color: var(--muted); font-size: 13.5px; }
.calibration { display: block; width: 84px; height: 42px; border: 1px solid var(--line); fill: var(--accent); }
.calibration line { stroke: var(--muted); stroke-dasharray: 3 3; }
.scores.probes th, .scores.probes td { padding: 7px 5px; }
.scores.probes th.arm { padding-left: 11px; font-size: 13.5px; font-weight: 600; }
.probes th.run { text-align: left; font-weight: 400; font-size: 13px; }
.probes td b { font-size: 14.5px; }
.panel > .muted { margin: 0; padding: 8px 11px 9px; }
.panel + .muted { margin: 12px 0 0; }
.refusals { margin: 4px 0 0; padding-left: 18px; color: var(--muted); font-size: 13px; }
.confusions { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr)); gap: 14px; margin-top: 12px; }
.plain th, .plain td { text-align: left; padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); font-size: 13.5px; vertical-align: top; }
.judge { display: inline-block; width: max-content; max-width: min(250px, 34vw); white-space: normal; overflow-wrap: anywhere; text-align: left; vertical-align: top; }
.scores.judges thead th { white-space: normal; vertical-align: bottom; min-width: 60px; }
.scores.judges th, .scores.judges td { padding-left: 8px; padding-right: 8px; }
.headline b small { white-space: nowrap; }
.forest.fit { grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); }
.figures .plain th, .figures .plain td { white-space: nowrap; padding-right: 20px; }
.plain pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace; }
.plain th { color: var(--muted); font-weight: 500; font-size: 12.5px; }
.lineage { padding: 10px 14px; min-width: 760px; }
.lineage svg { display: block; width: 100%; height: auto; font: 13px/1 inherit; fill: var(--ink); }
.lineage rect { fill: var(--soft); stroke: var(--line); }
.lineage rect.policy { fill: var(--card); stroke: var(--c); stroke-width: 2; }
.lineage path { fill: none; stroke: var(--muted); opacity: .55; }
.lineage .about { fill: var(--muted); font-size: 11.5px; }
.recipe { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 16px 18px; overflow: auto; max-height: 480px; margin: 0; }
.digests { display: grid; gap: 12px; }
.digests code { display: block; color: var(--muted); }
.environment { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 0; font-size: 13.5px; }
.environment dt { color: var(--muted); }
.environment dd { margin: 0; overflow-wrap: anywhere; }
footer { padding-top: 30px; padding-bottom: 44px; color: var(--muted); font-size: 13px; }
@media (max-width: 560px) {
  main, header.top, footer, nav div { padding-left: 16px; padding-right: 16px; }
  header.top { padding-top: 30px; }
  .headline { grid-template-columns: 1fr 1fr; gap: 10px; }
  .headline > div { padding: 12px 14px; }
  .headline b { font-size: 24px; }
  .row { grid-template-columns: 84px 1fr 96px; gap: 8px; }
  .ticks i:nth-child(even) { visibility: hidden; }
  .card img { width: 84px; height: 84px; }
  .card .images.several img { width: 66px; height: 66px; }
}
@media print { nav { display: none; } .cards { display: grid; } .recipe { max-height: none; } body { background: #fff; } }
`;
