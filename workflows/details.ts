/** Current details: the markdown that the Web UI shows of a workflow. Asked for by query, so it costs no events. */
import { workflowInfo } from '@temporalio/workflow';
import type { EvaluateResult, TaskScores } from '../activities/contract.ts';
import type { ExperimentProgress, RunProgress, ScoredRun, StepRow } from './progress.ts';

export function runDetails(progress: RunProgress, rows: readonly StepRow[]): string {
  const { hits, misses } = progress.cache;
  const lines = [
    `**${progress.runName}** · ${progress.state} · ${progress.phase}`,
    '',
    `step ${String(progress.step)} of ${String(progress.stepCount)} · cache ${String(hits)} hits, ${String(misses)} misses · compute ${seconds(progress.computeMs)}`,
    '',
    `checkpoint \`${progress.checkpoint.uri}\``,
  ];
  if (rows.length > 0) {
    lines.push('', '| step | reward | accuracy | loss | gradient norm | learning rate | from cache |');
    lines.push('|---:|---:|---:|---:|---:|---:|---:|', ...rows.map(stepLine));
  }
  return lines.join('\n');
}

export function experimentDetails(progress: ExperimentProgress): string {
  const { hits, misses } = progress.cache;
  const lines = [
    `**${progress.recipeName}** · ${progress.state} · ${progress.phase}`,
    '',
    `recipe \`${progress.recipeDigest.slice(0, 12)}\` · cache ${String(hits)} hits, ${String(misses)} misses`,
  ];
  if (progress.runs.length > 0) {
    lines.push('', '| run | state | step | reward | accuracy | loss |', '|---|---|---:|---:|---:|---:|');
    lines.push(...progress.runs.map(runLine));
  }
  if (progress.evaluations.length > 0) lines.push('', ...scoreTable(progress.evaluations));
  if (progress.report) lines.push('', `report \`${progress.report.uri}\``);
  return lines.join('\n');
}

export function scoreDetails(runName: string, done: readonly EvaluateResult[], wantedCount: number): string {
  const scores = done.map((result) => result.scores);
  const lines = [`**${runName}** · ${String(done.length)} of ${String(wantedCount)} evaluations`, ''];
  lines.push(
    '| task | examples | Macro-F1 | 95 % | accuracy | majority | unparsable |',
    '|---|---:|---:|---|---:|---:|---:|',
  );
  for (const score of scores) {
    const [low, high] = score.ci95.map((bound) => percent(bound));
    const interval = `${low ?? ''}–${high ?? ''}`;
    const cells = [
      ...[columnOf(score), String(score.exampleCount), percent(score.macroF1), interval],
      ...[score.accuracy, score.majorityMacroF1, score.unparsableRate].map(percent),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

function stepLine(row: StepRow): string {
  const cells = [
    String(row.step),
    fixed(row.reward),
    fixed(row.accuracy),
    fixed(row.loss, 4),
    fixed(row.gradientNorm),
    row.learningRate.toExponential(1),
    String(row.cachedCount),
  ];
  return `| ${cells.join(' | ')} |`;
}

function runLine(run: RunProgress): string {
  const cells = [
    workflowLink(run.runName, run.workflowId),
    run.state,
    `${String(run.step)}/${String(run.stepCount)}`,
    fixed(run.last?.reward),
    fixed(run.last?.accuracy),
    fixed(run.last?.loss, 4),
  ];
  return `| ${cells.join(' | ')} |`;
}

function scoreTable(runs: readonly ScoredRun[]): string[] {
  const columns = [...new Set(runs.flatMap(({ scores }) => scores.map(columnOf)))];
  const lines = runs.map(({ runName, scores }) => {
    const byColumn = new Map(scores.map((score) => [columnOf(score), percent(score.macroF1)]));
    return `| ${[runName, ...columns.map((column) => byColumn.get(column) ?? '')].join(' | ')} |`;
  });
  return [`| Macro-F1 | ${columns.join(' | ')} |`, `|---|${columns.map(() => '---:|').join('')}`, ...lines];
}

function columnOf({ task, split, ood }: TaskScores): string {
  return `${task} ${split}${ood ? ' (OOD)' : ''}`;
}

function workflowLink(text: string, workflowId: string): string {
  return `[${text}](/namespaces/${workflowInfo().namespace}/workflows/${encodeURIComponent(workflowId)})`;
}

function fixed(value: number | undefined, digits = 3): string {
  return value === undefined ? '' : value.toFixed(digits);
}

function percent(rate: number): string {
  return (rate * 100).toFixed(1);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
