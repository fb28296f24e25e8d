/** The lineage diagram: files, dataset, steps, policies; large sets are shown as counts. */
import type { ReportData, ReportRun } from './data.ts';
import { count } from './format.ts';
import { type Html, html } from './html.ts';
import { seriesIndexOf } from './series.ts';

/** Layout in pixels. */
const width = 1000;
const boxWidth = 196;
const boxHeight = 50;
const rowHeight = 66;
const columns = { sources: 4, dataset: 268, steps: 532, policy: 796 } as const;
const shownRunCountMax = 12;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly title: string;
  readonly about: string;
  /** Colour index of a policy. */
  readonly series?: number;
}

export function lineagePicture(data: ReportData): Html {
  const { runs, dataset } = data;
  const shown = runs.slice(0, shownRunCountMax);
  const middle = (Math.max(shown.length - 1, 0) * rowHeight) / 2;
  const source = { x: columns.sources, y: middle, ...sourceText(dataset.sources) };
  const examples = {
    ...{ x: columns.dataset, y: middle, title: `${count(dataset.exampleCount)} examples` },
    about: `${count(dataset.imageCount)} images`,
  };
  const policies = shown.map((run, row) => policyBox(data, run, row));
  const boxes: Box[] = [source, examples, ...policies];
  const edges = [edge(source, examples)];
  shown.forEach((run, row) => {
    const policy = policies[row];
    const about = learnedFrom(run);
    if (policy === undefined || about === undefined) return;
    const steps = {
      x: columns.steps,
      y: row * rowHeight,
      title: `${count(run.stepCount)} steps`,
      about,
    };
    boxes.push(steps);
    edges.push(edge(examples, steps), edge(steps, policy));
    const from = shown.findIndex(({ arm, seed }) => arm === startOf(run, runs) && seed === run.seed);
    const start = policies[from];
    if (start !== undefined && start !== policy) edges.push(edgeBack(start, steps));
  });
  const height = Math.max(shown.length, 1) * rowHeight;
  return html`<div class="scroll">
      <div class="panel lineage">
        <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Lineage of the policies">
          ${edges.map((line) => html`<path d="${line}" />`)}${boxes.map(drawn)}
        </svg>
      </div>
    </div>
    ${runs.length > shown.length ? html`<p class="muted">${runs.length - shown.length} more runs are not shown.</p>` : undefined}`;
}

/**
 * The arm that the run starts from: its `from`, else the arm that trains nothing, whose policy all others start from.
 */
function startOf({ from }: ReportRun, runs: readonly ReportRun[]): string | undefined {
  return from ?? runs.find((run) => learnedFrom(run) === undefined && run.from === undefined)?.arm;
}

function policyBox({ runs }: ReportData, run: ReportRun, row: number): Box {
  const about = `policy ${run.checkpoint.sha256.slice(0, 12)}`;
  return { x: columns.policy, y: row * rowHeight, title: run.runName, about, series: seriesIndexOf(runs, run) };
}

function sourceText([first, ...others]: ReportData['dataset']['sources']): Pick<Box, 'title' | 'about'> {
  if (first === undefined) return { title: 'synthetic world', about: 'generated from seeds' };
  const title =
    others.length === 0 ? (first.name.split('/').at(-1) ?? first.name) : `${count(others.length + 1)} sources`;
  return { title, about: `${first.sha256.slice(0, 12)}${others.length === 0 ? '' : ', ...'}` };
}

/** What the steps trained on; undefined for a run that trains nothing. */
function learnedFrom({ objective, curve }: ReportRun): string | undefined {
  const points = curve.flatMap(({ byTask = [] }) => byTask);
  const rollouts = points.reduce((sum, { rolloutCount }) => sum + rolloutCount, 0);
  return { none: undefined, sft: 'on labels', rl: `${count(rollouts)} rollouts and rewards` }[objective];
}

function edge(from: Box, to: Box): string {
  return curveBetween(from.x + boxWidth, from.y + boxHeight / 2, to.x, to.y + boxHeight / 2);
}

/** Edge from a policy on the right to the steps that start from it, one row or more away. */
function edgeBack(from: Box, to: Box): string {
  const isBelow = to.y > from.y;
  const [x, y] = [to.x + boxWidth * 0.8, to.y + (isBelow ? 0 : boxHeight)];
  return curveBetween(from.x, from.y + boxHeight / 2 + (isBelow ? 12 : -12), x, y);
}

function curveBetween(x: number, y: number, toX: number, toY: number): string {
  const middle = (x + toX) / 2;
  return `M${String(x)} ${String(y)}C${String(middle)} ${String(y)} ${String(middle)} ${String(toY)} ${String(toX)} ${String(toY)}`;
}

function drawn({ x, y, title, about, series }: Box): Html {
  return html`<g class="${series === undefined ? '' : `s${String(series)}`}">
    <title>${title}: ${about}</title>
    <rect
      class="${series === undefined ? '' : 'policy'}"
      x="${x}"
      y="${y + 2}"
      width="${boxWidth}"
      height="${boxHeight}"
      rx="9"
    />
    <text x="${x + 12}" y="${y + 23}">${shortened(title)}</text>
    <text class="about" x="${x + 12}" y="${y + 41}">${about}</text>
  </g>`;
}

function shortened(text: string): string {
  return text.length > 25 ? `${text.slice(0, 24)}…` : text;
}
