/** An experiment's progress as lines of text: bars for a terminal, single lines for a log. */
import type { ExperimentProgress, RunProgress } from '../../contract/progress.ts';
import { ceilingText } from './ceiling-text.ts';
import { incidentText } from './incident-text.ts';
import { listedRuns } from './listed-runs.ts';
import { type Paint, visibleLength } from './output.ts';
import { type Rates, rateText, timeText } from './rates.ts';
import type { Standing } from './standing.ts';
import { timeLeftMs } from './time-left.ts';

export interface View {
  readonly nowMs: number;
  readonly columnCount: number;
  /** Number of lines that fit. Default: all runs are shown. */
  readonly rowCount?: number;
  readonly rates: Rates;
  readonly paint: Paint;
}

const spinner = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/** The experiment, then one line per run; the last line counts the runs that do not fit into `rowCount` lines. */
export function barLines(standing: Standing, view: View): string[] {
  const { progress } = standing;
  const { paint, nowMs, rowCount = Infinity } = view;
  const mark = standing.isOpen ? paint('cyan', spinner[Math.floor(nowMs / 250) % spinner.length] ?? '') : '·';
  const elapsed = timeText((standing.closedAt?.getTime() ?? nowMs) - standing.startedAt.getTime());
  if (progress === undefined)
    return [`${mark} ${paint('bold', standing.experimentId)}  ${elapsed}  ${waitingText(standing)}`];
  const parts = [
    `${mark} ${paint('bold', standing.experimentId)}  ${elapsed}`,
    endedText(standing, paint) ?? stateText(progress),
    cacheText(progress),
    leftText(standing, progress, nowMs),
  ];
  const all = listedRuns(progress.runs, rowCount - 1);
  const { shown, rest } = all.rest === undefined ? all : listedRuns(progress.runs, Math.max(0, rowCount - 2));
  const nameWidth = Math.max(0, ...shown.map(({ runName }) => runName.length));
  return [
    parts.filter((part) => part !== '').join('  '),
    ...shown.map((run) => runLine(run, nameWidth, progress, view)),
    ...(rest === undefined ? [] : [`  ${paint('dim', `… ${rest}`)}`]),
  ];
}

/** Maximum number of runs in one line of a log. */
const loggedRunCountMax = 8;

/** One line for a log, without values that change at every poll. */
export function plainLine(standing: Standing, view: View): string {
  const { progress, experimentId } = standing;
  if (progress === undefined) return `${experimentId}: ${waitingText(standing)}`;
  const trained = progress.runs.filter(({ step, state }) => step > 0 || state !== 'done');
  const { shown, rest = [] } = listedRuns(trained, loggedRunCountMax);
  const runs = shown
    .map((run) => [`${run.runName} ${String(run.step)}/${String(run.stepCount)}`, ...measures(run)].join(' '))
    .concat(rest);
  const evaluated =
    progress.evaluations.length === 0
      ? []
      : [`evaluated ${String(progress.evaluations.length)} of ${String(progress.runCount)} runs`];
  const state = progress.runs.length === 0 ? stateText(progress) : progress.state;
  return [`${experimentId}: ${state}`, ...runs, ...evaluated].map((part) => view.paint('dim', part)).join(' | ');
}

function waitingText({ isOpen, status }: Pick<Standing, 'isOpen' | 'status'>): string {
  return isOpen ? 'no worker answers; `npm run mtrl -- up` starts missing workers' : status.toLowerCase();
}

/** Status of an experiment that ended without completing: its workflow could not update its own progress. */
function endedText({ isOpen, status }: Standing, paint: Paint): string | undefined {
  return isOpen || status === 'COMPLETED' ? undefined : paint('red', status.toLowerCase());
}

function stateText({ state, phase }: ExperimentProgress): string {
  return phase === state || phase === '' ? state : `${state}: ${phase}`;
}

/** Of several runs together; a single run has its own. */
function leftText({ isOpen }: Standing, progress: ExperimentProgress, nowMs: number): string {
  const leftMs = isOpen && progress.runCount > 1 ? timeLeftMs(progress, nowMs) : undefined;
  return leftMs === undefined ? '' : `about ${timeText(leftMs)} of training left`;
}

function cacheText({ cache: { hits, misses } }: ExperimentProgress): string {
  return hits === 0 ? '' : `${String(hits)} of ${String(hits + misses)} activities from the cache`;
}

function runLine(run: RunProgress, nameWidth: number, progress: ExperimentProgress, view: View): string {
  const { paint } = view;
  const count = `${String(run.step).padStart(String(run.stepCount).length)}/${String(run.stepCount)}`;
  const tail = [...paceParts(run, view), ...measures(run), ...evaluationParts(run, progress)].join('  ');
  const head = `  ${run.runName.padEnd(nameWidth)}  `;
  if (run.stepCount === 0) return `${head}${paint('dim', 'nothing to train')}${tail === '' ? '' : `  ${tail}`}`;
  const spareCount = view.columnCount - visibleLength(head) - visibleLength(tail) - count.length - 6;
  const width = Math.max(8, Math.min(32, spareCount));
  return `${head}${bar(run.step / run.stepCount, width, paint)} ${count}  ${tail}`;
}

/** Eighths of a cell, so that the bar moves smoothly. */
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

function bar(share: number, width: number, paint: Paint): string {
  const units = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const full = '█'.repeat(Math.floor(units / 8)) + (eighths[units % 8] ?? '');
  return (
    paint(share >= 1 ? 'green' : 'cyan', full) + paint('dim', '·'.repeat(Math.max(0, width - visibleLength(full))))
  );
}

function paceParts(run: RunProgress, { rates, nowMs }: View): string[] {
  if (run.state !== 'training') return run.state === 'done' ? [] : [run.state];
  const pace = rates.paceOf(run, nowMs);
  return pace === undefined ? [] : [rateText(pace.stepsPerSecond), `${timeText(pace.leftMs)} left`];
}

function measures({ last, collapsed = [], leaning = [], validation, incidents, ceiling }: RunProgress): string[] {
  const bad = [...incidentText(incidents), ...ceilingText(ceiling)];
  if (last === undefined) return bad;
  const best = validation
    ? [`best validation ${validation.best.score.toFixed(2)} after ${String(validation.best.step)} steps`]
    : [];
  if (last.reward === undefined) return [`loss ${last.loss.toFixed(3)}`, ...best, ...bad];
  const accuracy = last.accuracy === undefined ? [] : [`accuracy ${last.accuracy.toFixed(2)}`];
  const percent = (share: number): string => `${String(Math.round(100 * share))} %`;
  const warnings = [
    ...collapsed.map(
      ({ task, verdict, sinceStep }) => `COLLAPSED: ${task} always "${verdict}" since step ${String(sinceStep)}`,
    ),
    ...leaning.map(
      ({ task, verdict, verdictRate, labelRate }) =>
        `LEANING: ${task} ${percent(verdictRate)} "${verdict}", ${percent(labelRate)} of labels`,
    ),
  ];
  return [`reward ${last.reward.toFixed(2)}`, ...accuracy, ...best, ...warnings, ...bad];
}

function evaluationParts(run: RunProgress, progress: ExperimentProgress): string[] {
  if (progress.evaluations.some(({ runName }) => runName === run.runName)) return ['evaluated'];
  return run.state === 'done' && progress.state !== 'done' ? ['evaluating'] : [];
}
