/** Current details: the markdown that the Web UI shows for a workflow. Read by query, so it costs no events. */
import { workflowInfo } from '@temporalio/workflow';
import type { ArmPlan, EvaluateResult, PrepareResult } from '../../contract/activities.ts';
import type { GateCheck } from '../../contract/retraining.ts';
import { incidentLines } from './incident-lines.ts';
import { studioLine } from '../studio-links.ts';
import { isTrained, samplesRollouts } from './plan-work.ts';
import type { ExperimentProgress, RunProgress, StepRow, TaskMacroF1 } from '../../contract/progress.ts';

export function runDetails(progress: RunProgress, rows: readonly StepRow[]): string {
  const { hits, misses } = progress.cache;
  const lines = [
    headline(progress.runName, progress),
    '',
    `step ${String(progress.step)} of ${String(progress.stepCount)} · cache ${String(hits)} hits, ${String(misses)} misses · compute ${seconds(progress.computeMs)}`,
  ];
  if (progress.rewardLine !== undefined) lines.push('', `reward ${progress.rewardLine}`);
  for (const { task, verdict, sinceStep } of progress.collapsed ?? [])
    lines.push('', `**collapsed** · ${task}: every verdict is \`${verdict}\`, since step ${String(sinceStep)}`);
  for (const { task, verdict, verdictRate, labelRate } of progress.leaning ?? [])
    lines.push(
      '',
      `**leaning** · ${task}: ${percent(verdictRate)} % of verdicts are \`${verdict}\`, ${percent(labelRate)} % of labels`,
    );
  lines.push(...incidentLines(progress.incidents));
  if (progress.ceiling !== undefined) lines.push('', ceilingLine(progress.ceiling));
  if (progress.validation !== undefined) lines.push('', validationText(progress.validation));
  if (rows.length > 0) {
    const newestFirst = [...rows].reverse();
    const filled = stepColumns.filter(([, cellOf]) => rows.some((row) => cellOf(row) !== ''));
    const cells = newestFirst.map((row) => filled.map(([, cellOf]) => cellOf(row)));
    lines.push(
      '',
      ...table(
        filled.map(([title]) => title),
        cells,
      ),
    );
  }
  lines.push('', `checkpoint \`${progress.checkpoint.uri}\``);
  return lines.join('\n');
}

/** Of the studio. */
const experimentPages = [
  ['scores and curves', 'overview'],
  ['rollouts', 'rollouts'],
  ['evaluation', 'evaluation'],
  ['comparison', 'compare'],
  ['data', 'data'],
] as const;

/** Maximum rows of the table of runs: the details must fit in one payload. */
const shownRunCountMax = 100;
/** Maximum cells of the table of scores. */
const shownScoreCountMax = 1_000;

/** `scored`: the displayed scores of each run's evaluation. */
export function experimentDetails(
  progress: ExperimentProgress,
  scored: ReadonlyMap<string, readonly TaskMacroF1[]>,
): string {
  const { hits, misses } = progress.cache;
  const { recipeName, recipeDigest } = progress;
  // Neither is known before the recipe has been read.
  const recipe = recipeDigest === '' ? '' : `recipe \`${shortOf(recipeDigest)}\` · `;
  const lines = [
    headline(recipeName || progress.experimentId, progress),
    '',
    `${recipe}cache ${String(hits)} hits, ${String(misses)} misses`,
  ];
  const ofExperiment = experimentPages.map(([title, view]) => ({ title, view, experimentId: progress.experimentId }));
  for (const line of studioLine(ofExperiment)) lines.push('', line);
  if (progress.runs.length > 0) {
    const columns = ['run', 'state', 'step', 'rewards', 'reward', 'accuracy', 'loss'];
    lines.push('', ...table(columns, progress.runs.slice(0, shownRunCountMax).map(runCells)));
  }
  if (scored.size > 0) lines.push('', ...scoreTable(scored));
  if (progress.report)
    lines.push('', `report: \`mtrl report ${progress.experimentId} --open\` · \`${progress.report.uri}\``);
  return lines.join('\n');
}

/** Adds the failure above the previous details: its code, then what is wrong, where, what was found, and what to do. */
export function failureDetails(code: string, message: string, before: string): string {
  // As code, because it may contain any text.
  const lines = message.split('\n').map((line) => `\`\` ${line.trim()} \`\``);
  return [`**failed** · \`${code}\``, '', ...lines, '', before].join('\n').trimEnd();
}

export function scoreDetails(runName: string, done: readonly EvaluateResult[], wantedCount: number): string {
  const scores = done.map((result) => result.scores);
  const columns = ['task', 'examples', 'Macro-F1', '95 %', 'accuracy', 'majority', 'unparsable'];
  const rows = scores.map((score) => {
    const interval = score.ci95?.map(percent).join('–') ?? '';
    return [
      ...[columnOf(score), String(score.exampleCount), percent(score.macroF1), interval],
      ...[score.accuracy, score.majorityMacroF1, score.unparsableRate].map(percent),
    ];
  });
  const counts = `${String(done.length)} of ${String(wantedCount)} evaluations`;
  return [`**${runName}** · ${counts}`, '', ...table(columns, rows)].join('\n');
}

/** The table of gate checks, for the person who decides on an approval. */
export function gateTable(checks: readonly GateCheck[]): string[] {
  if (checks.length === 0) return [];
  const rows = checks.map(({ rule, value, limit, passed }) => {
    return [rule, value.toFixed(4), limit.toFixed(4), passed ? 'passed' : '**held back**'];
  });
  const promotions = studioLine([{ title: 'promotions', view: 'promotions' }]);
  return ['', ...table(['gate', 'found', 'limit', ''], rows), ...promotions.flatMap((line) => ['', line])];
}

/** The details of a run that never change. */
export function planDetails(plan: ArmPlan, { recipeName, recipeDigest }: PrepareResult, experimentId: string): string {
  const { arm, seed, mode, from, rolloutShardCount, snapshotEveryStepCount } = plan;
  const items = [`arm **${arm}**, seed ${String(seed)}, ${mode}`, `recipe ${recipeName} \`${shortOf(recipeDigest)}\``];
  if (from !== undefined) items.push(`starts from ${from}`);
  if (samplesRollouts(plan))
    items.push(`rollouts of a step in ${counted(rolloutShardCount, 'activity', 'activities')}`);
  if (isTrained(plan)) items.push(`snapshot every ${counted(snapshotEveryStepCount, 'step', 'steps')}`);
  const page = { experimentId, run: plan.runName };
  items.push(
    ...studioLine([
      { title: 'rollouts', view: 'rollouts', ...page },
      { title: 'evaluation', view: 'evaluation', ...page },
      { title: 'lineage', view: 'lineage', ...page },
    ]),
  );
  return items.map((item) => `- ${item}`).join('\n');
}

export function headline(name: string, { state, phase }: { readonly state: string; readonly phase: string }): string {
  return [`**${name}**`, state, ...(phase === state ? [] : [phase])].join(' · ');
}

function ceilingLine({ ceiling, found, allowed, stepCount }: NonNullable<RunProgress['ceiling']>): string {
  return `**ended at its ceiling** after ${String(stepCount)} steps · ${ceiling} ${String(allowed)}, found ${String(found)}`;
}

function validationText({ best, last }: NonNullable<RunProgress['validation']>): string {
  const newest = `${fixed(last.score)} after ${String(last.step)} steps`;
  return last.step === best.step
    ? `validation ${newest}, the best so far`
    : `validation ${newest} · best ${fixed(best.score)} after ${String(best.step)} steps`;
}

/** Columns of the table of steps; one that no step fills is left out. */
const stepColumns: readonly (readonly [title: string, cellOf: (row: StepRow) => string])[] = [
  ['step', ({ step }) => String(step)],
  ['reward', ({ reward }) => fixed(reward)],
  ['accuracy', ({ accuracy }) => fixed(accuracy)],
  ['format', ({ formatRate }) => fixed(formatRate)],
  ['closeness', ({ closeness }) => fixed(closeness)],
  ['agreement', ({ agreement }) => fixed(agreement)],
  ['grader', ({ graderScore }) => fixed(graderScore)],
  ['length penalty', ({ overlongPenalty }) => fixed(overlongPenalty)],
  ['loss', ({ loss }) => fixed(loss, 4)],
  ['informative', ({ informativeGroupRate }) => fixed(informativeGroupRate)],
  ['entropy', ({ entropy }) => fixed(entropy)],
  ['tokens', ({ completionTokenCount }) => fixed(completionTokenCount, 1)],
  ['KL', ({ klMean }) => fixed(klMean, 4)],
  ['staleness', ({ stalenessStepCount }) => stalenessStepCount?.toString() ?? ''],
  ['clipped', ({ clippedShare }) => fixed(clippedShare, 4)],
  ['pair margin', ({ pairMargin }) => fixed(pairMargin)],
  ['log-prob difference', ({ logProbDifferenceMax }) => logProbDifferenceMax?.toExponential(1) ?? ''],
  ['sampler KL', ({ samplerKlMean }) => samplerKlMean?.toExponential(1) ?? ''],
  ['gradient norm', ({ gradientNorm }) => fixed(gradientNorm)],
  ['learning rate', ({ learningRate }) => learningRate.toExponential(1)],
  ['tokens/s', ({ rolloutTokensPerSecond }) => fixed(rolloutTokensPerSecond, 0)],
  ['from cache', ({ cachedCount }) => String(cachedCount)],
];

function runCells(run: RunProgress): string[] {
  return [
    workflowLink(run.runName, run.workflowId),
    run.state,
    `${String(run.step)}/${String(run.stepCount)}`,
    run.rewardLine ?? '',
    fixed(run.last?.reward),
    fixed(run.last?.accuracy),
    fixed(run.last?.loss, 4),
  ];
}

function scoreTable(scored: ReadonlyMap<string, readonly TaskMacroF1[]>): string[] {
  const columns = [...new Set([...scored.values()].flatMap((scores) => scores.map(columnOf)))];
  const rowCount = Math.floor(shownScoreCountMax / Math.max(1, columns.length));
  const rows = [...scored].slice(0, rowCount).map(([runName, scores]) => {
    const byColumn = new Map(scores.map((score) => [columnOf(score), percent(score.macroF1)]));
    return [runName, ...columns.map((column) => byColumn.get(column) ?? '')];
  });
  return table(['Macro-F1', ...columns], rows);
}

export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  // The Web UI leaves no space between columns, and markdown drops plain spaces.
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => `${cell}\u00a0\u00a0`).join(' | ')} |`;
  return [row(columns), `|${columns.map(() => '---|').join('')}`, ...rows.map(row)];
}

function columnOf({ task, split, ood }: Pick<TaskMacroF1, 'task' | 'split' | 'ood'>): string {
  return `${task} ${split}${ood ? ' (OOD)' : ''}`;
}

export function workflowLink(text: string, workflowId: string): string {
  return `[${text}](/namespaces/${workflowInfo().namespace}/workflows/${encodeURIComponent(workflowId)})`;
}

function shortOf(digest: string): string {
  return digest.slice(0, 12);
}

function counted(count: number, one: string, many: string): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}

function fixed(value: number | undefined, digits = 3): string {
  // A small negative number would be shown as -0.000.
  return value === undefined ? '' : value.toFixed(digits).replace(/^-(0\.?0*)$/, '$1');
}

function percent(rate: number | undefined): string {
  return rate === undefined ? '' : (rate * 100).toFixed(1);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
