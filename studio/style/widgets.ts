/** Tables, charts, rows of answers, and whatever else a view is made of. */
export const widgetStyle = `
.entries { list-style: none; margin: 0; padding: 6px; }
.entries:empty { display: none; }
.entries a { display: grid; grid-template-columns: minmax(0, 1fr) max-content 170px; gap: 14px; padding: 11px 14px; border-radius: 9px; color: var(--ink); align-items: baseline; }
.entries a:hover { background: var(--soft); text-decoration: none; }
.entries b { overflow-wrap: anywhere; }
.entries time { color: var(--muted); font-size: 13px; text-align: right; }
.state { color: var(--muted); font-size: 13px; }
.state.live { color: var(--good); font-weight: 600; }
.running { list-style: none; padding: 0; margin: 0; display: grid; gap: 8px; }
.running li { display: grid; grid-template-columns: 150px minmax(80px, 1fr) max-content minmax(90px, 200px); gap: 14px; align-items: center; font-size: 14px; }
progress { width: 100%; height: 8px; accent-color: var(--accent); }
table { border-collapse: collapse; width: 100%; }
.scores th, .scores td { padding: 10px 14px; text-align: right; vertical-align: top; white-space: nowrap; }
.scores thead th { color: var(--muted); font-weight: 500; font-size: 13px; vertical-align: bottom; }
.scores thead small { display: block; color: var(--accent); font-size: 12px; }
.scores .arm { text-align: left; position: sticky; left: 0; background: var(--card); z-index: 1; font-weight: 600; }
.scores tbody th small { display: block; padding-left: 16px; font-size: 12.5px; }
.scores tbody tr { border-top: 1px solid var(--line); }
.scores td { min-width: 118px; }
.scores td a { display: block; font-size: 16px; color: var(--ink); line-height: 1.25; }
.scores td.best a { font-weight: 700; }
.scores td.unseen { background: var(--tint); }
.scores td small { display: block; font-size: 11.5px; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 7px; background: var(--c); }
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); }
.s6 { --c: var(--s6); } .s7 { --c: var(--s7); } .s8 { --c: var(--s8); } .s9 { --c: var(--s9); } .s10 { --c: var(--s10); } .s11 { --c: var(--s11); }
.interval { display: block; width: 100%; height: 9px; margin-top: 4px; }
.interval .track { fill: var(--line); } .interval .range { fill: var(--c); opacity: .42; } .interval .mark { fill: var(--c); } .interval .base { fill: var(--muted); opacity: .8; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 14px; margin-bottom: 12px; }
.chart { margin: 0; padding: 14px 16px 8px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
.chart figcaption { font-weight: 600; display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; }
.chart figcaption small { margin-left: auto; font-size: 12px; }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; touch-action: pan-y; }
.tick { fill: var(--muted); font-size: 10.5px; } .tick line { stroke: var(--line); }
.line polyline { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.line polyline.faint { stroke-width: 1; opacity: .38; }
.line polygon { fill: var(--c); opacity: .14; } .line circle { fill: var(--c); }
.pointer { stroke: var(--muted); stroke-dasharray: 2 3; }
.reading { display: flex; gap: 12px; min-height: 20px; font-size: 12px; color: var(--muted); margin: 0; }
.legend { display: inline-flex; flex-wrap: wrap; gap: 4px 16px; color: var(--muted); }
.step-bar { margin: 0 0 12px; }
.bars { display: flex; gap: 2px; height: 56px; align-items: stretch; }
.bars button { flex: 1; min-width: 2px; padding: 0; border: 0; background: var(--soft); cursor: pointer; border-radius: 3px; overflow: hidden; }
.bars svg { display: block; width: 100%; height: 100%; }
.bars .reward { fill: var(--accent); opacity: .3; } .bars .share { fill: var(--s1); opacity: .75; }
.bars button:hover .reward { opacity: .5; }
.bars button[aria-pressed="true"] .reward { opacity: 1; }
.steps-axis { display: flex; justify-content: space-between; max-width: 100%; font-size: 12px; color: var(--muted); margin: 4px 0 0; }
.steps-axis b { color: var(--ink); font-weight: 600; }
.rollouts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); gap: 12px; margin-top: 14px; }
.rollout { display: flex; gap: 14px; padding: 13px; min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: 14px; align-items: flex-start; }
.rollout:hover { border-color: color-mix(in srgb, var(--muted) 55%, var(--line)); }
.rollout .open { display: grid; gap: 6px; min-width: 0; flex: 1; color: var(--ink); align-content: start; }
.rollout .open:hover { text-decoration: none; }
.row-head { display: flex; flex-wrap: wrap; gap: 3px 10px; align-items: baseline; }
.text { display: block; font-size: 14px; line-height: 1.45; overflow-wrap: anywhere; white-space: pre-wrap; color: color-mix(in srgb, var(--ink) 82%, var(--muted)); }
.rollout .text { max-height: 8.7em; overflow: hidden; }
.side + .side { border-top: 1px solid var(--line); padding-top: 7px; } .side { display: grid; gap: 3px; }
.chip { display: inline-block; padding: 1px 10px; border-radius: 99px; font-weight: 600; font-size: 14px; --k: var(--good); color: color-mix(in srgb, var(--k) 76%, var(--ink)); background: color-mix(in srgb, var(--k) 13%, transparent); }
.chip.wrong { --k: var(--bad); }
.chip.unparsable { --k: var(--odd); }
.chip.old { --k: var(--muted); }
.chips { display: flex; flex-wrap: wrap; gap: 4px; }
.pictures { display: flex; flex-direction: column; gap: 6px; flex: none; }
.picture { padding: 0; border: 0; background: none; cursor: zoom-in; border-radius: 8px; line-height: 0; }
.picture img { width: 76px; height: 76px; object-fit: contain; image-rendering: pixelated; background: var(--soft); border-radius: 8px; }
.pictures.large { flex-direction: row; flex-wrap: wrap; } .large .picture img { width: 168px; height: 168px; border-radius: 10px; }
.prompt { display: flex; flex-wrap: wrap; gap: 18px 22px; padding: 18px; margin-bottom: 18px; align-items: center; }
.prompt > div { flex: 1 1 260px; min-width: 0; }
.asked { font-size: 17px; line-height: 1.5; overflow-wrap: anywhere; white-space: pre-wrap; }
.mark { font-style: normal; margin: 0 .4em; font-size: 13px; padding: 1px 8px; border-radius: 6px; background: var(--soft); color: color-mix(in srgb, var(--ink) 70%, var(--muted)); }
.group { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); gap: 12px; }
.group article { padding: 14px 16px; display: grid; gap: 10px; align-content: start; min-width: 0; }
.group .chosen { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.tokens { margin: 0; line-height: 1.85; overflow-wrap: anywhere; white-space: pre-wrap; }
.token { border-radius: 4px; padding: 2px 0; }
.token .end { font-size: 11px; font-style: normal; padding: 0 4px; }
.plus-1 { background: color-mix(in srgb, var(--good) 11%, transparent); } .plus-2 { background: color-mix(in srgb, var(--good) 20%, transparent); }
.plus-3 { background: color-mix(in srgb, var(--good) 29%, transparent); } .plus-4 { background: color-mix(in srgb, var(--good) 38%, transparent); }
.minus-1 { background: color-mix(in srgb, var(--bad) 11%, transparent); } .minus-2 { background: color-mix(in srgb, var(--bad) 20%, transparent); }
.minus-3 { background: color-mix(in srgb, var(--bad) 29%, transparent); } .minus-4 { background: color-mix(in srgb, var(--bad) 38%, transparent); }
.odd-1 { background: color-mix(in srgb, var(--accent) 12%, transparent); } .odd-2 { background: color-mix(in srgb, var(--accent) 22%, transparent); }
.odd-3 { background: color-mix(in srgb, var(--accent) 32%, transparent); } .odd-4 { background: color-mix(in srgb, var(--accent) 44%, transparent); }
.left-out { color: color-mix(in srgb, var(--ink) 70%, var(--muted)); background: var(--soft); text-decoration: line-through; text-decoration-color: var(--line); }
.figures { list-style: none; display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); gap: 12px; padding: 0; margin: 0; }
.figures li { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 12px 15px; display: grid; align-content: start; }
.figures b { font-size: 25px; letter-spacing: -.025em; line-height: 1.2; font-weight: 650; }
.figures span { font-size: 13px; } .figures small { font-size: 12px; }
.confusion { width: auto; border-collapse: separate; border-spacing: 4px; font-size: 14px; }
.confusion th { font-weight: 500; color: var(--muted); padding: 4px 8px; text-align: right; font-size: 13px; }
.confusion td { padding: 0; border-radius: 9px; min-width: 76px; }
.confusion td a { display: grid; padding: 10px 12px; border-radius: 9px; text-align: center; color: var(--ink); font-size: 18px; font-weight: 600; }
.confusion td a:hover { text-decoration: none; box-shadow: 0 0 0 1px var(--muted); }
.confusion td a[aria-current] { box-shadow: 0 0 0 2px var(--accent); }
.confusion small { font-size: 11.5px; color: inherit; font-weight: 400; }
.plain th, .plain td { text-align: left; padding: 8px 14px 8px 0; border-bottom: 1px solid var(--line); font-size: 14px; vertical-align: top; overflow-wrap: anywhere; }
.plain tbody th { font-weight: 500; }
.plain a[aria-current] { font-weight: 700; }
.panel > .plain th, .panel > .plain td { padding-left: 16px; } .panel > .plain tr:last-child td { border: 0; }
.plain code.whole { white-space: nowrap; }
.plain thead th { color: var(--muted); font-weight: 500; font-size: 12.5px; white-space: nowrap; }
.said { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); gap: 12px; }
.said > * { padding: 12px 15px; display: grid; gap: 7px; align-content: start; color: var(--ink); min-width: 0; }
.said > a:hover { text-decoration: none; border-color: var(--muted); }
.said .text { margin: 0; }
.tree, .tree ul { list-style: none; margin: 0; padding: 0; }
.tree { padding: 14px 20px; font-size: 14px; } .tree ul { padding-left: 18px; border-left: 1px solid var(--line); margin: 4px 0 4px 5px; }
.tree li { padding: 3px 0; overflow-wrap: anywhere; } .tree summary { cursor: pointer; } .leaf { padding-left: 16px !important; }
.tree .made { color: var(--accent); } .tree .facts-line { padding: 3px 0 3px 18px; font-size: 12.5px; }
.version { padding: 14px 18px; margin-bottom: 10px; } .version time { margin-left: auto; color: var(--muted); font-size: 13px; }
.version td:first-child { min-width: 6em; } .version td:not(:first-child) { overflow-wrap: normal; } .version .scroll + .scroll { margin-top: 16px; }
.checks { margin: 8px 0 0; padding-left: 18px; font-size: 14px; }
.label-queue { max-width: 760px; }
.answer-row { display: flex; flex-wrap: wrap; gap: 10px; margin: 16px 0; }
.answer-row button { font-size: 16px; padding: 10px 20px; display: inline-flex; gap: 10px; align-items: center; }
.answer-row button:hover { border-color: var(--accent); }
@media (max-width: 560px) {
  .entries a { grid-template-columns: 1fr max-content; gap: 2px 10px; } .entries time { grid-column: 1 / -1; text-align: left; }
  .running li { grid-template-columns: 1fr max-content; } .running progress { grid-column: 1 / -1; order: 3; }
  .rollout { padding: 11px; gap: 11px; } .picture img { width: 60px; height: 60px; }
  .large .picture img { width: min(132px, 38vw); height: min(132px, 38vw); }
  .scores th, .scores td { padding: 9px 10px; } .figures { grid-template-columns: 1fr 1fr; gap: 8px; }
  .confusion td { min-width: 58px; } .confusion td a { padding: 9px 6px; }
}
`;
