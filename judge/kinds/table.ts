/** All task kinds, in the order of the recipe reference. */
import type { Intersection } from '../../core/intersection.ts';
import type { Fields, Kind, KindTask } from './kind.ts';
import { choice } from './choice.ts';
import { criteria } from './criteria.ts';
import { pairwise } from './pairwise.ts';
import { pointwise } from './pointwise.ts';
import { ranking } from './ranking.ts';
import { score } from './score.ts';

export const kinds = {
  pointwise,
  pairwise,
  choice,
  ranking,
  score,
  criteria,
};

export type KindName = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as KindName[];

export function kindOf({ kind }: { readonly kind: KindName }): Kind {
  return kinds[kind];
}

export function kindsWhere(holds: (kind: Kind) => boolean): KindName[] {
  return kindNames.filter((kind) => holds(kindOf({ kind })));
}

/** What metrics count a label or a verdict as. */
export function classOf({ kind }: { readonly kind: KindName }, label: string): string {
  return kindOf({ kind }).classOf?.(label) ?? label;
}

/** Whether every label has a class, so that each class can be drawn equally often. */
export function hasClasses(task: { readonly kind: KindName }): boolean {
  return kindOf(task).hasClasses ?? true;
}

export function isLabel(task: KindTask & { readonly kind: KindName }, label: string): boolean {
  return kindOf(task).isLabel?.(label, task) ?? task.labels.includes(label);
}

type KindedTask = KindTask & { readonly kind: KindName };

/** Whether the probabilities of a task's labels can be asked for. */
export function hasForcedChoice(task: KindedTask): boolean {
  const kind = kindOf(task);
  return kind.variantOf?.(task)?.hasForcedChoice ?? kind.hasForcedChoice ?? true;
}

/** Groups of metrics that score the task. */
export function metricGroups(task: KindedTask): readonly string[] {
  const kind = kindOf(task);
  return kind.variantOf?.(task)?.metrics ?? kind.metrics;
}

/** The labels that metrics of classes count; none if verdicts are no classes. */
export function classLabels(task: KindedTask): readonly string[] {
  return metricGroups(task).includes('label') ? task.labels : [];
}

/** Scores of the task that a promotion gate may use. */
export function gateMetricsOf(task: KindedTask): readonly string[] {
  const kind = kindOf(task);
  const variant = kind.variantOf?.(task);
  return variant === undefined ? ['macroF1', 'accuracy', ...kind.gateMetrics] : ['accuracy', ...variant.gateMetrics];
}

export function isRight(task: KindedTask, verdict: string, label: string): boolean {
  return kindOf(task).isRight?.(verdict, label, task) ?? verdict === label;
}

/** What rows are counted by and spread over splits by. */
export function stratumOf(task: KindedTask, label: string): string {
  return kindOf(task).stratumOf?.(label, task) ?? label;
}

/** Some labels that rows may have. */
export function sampleLabels(task: KindTask & { readonly kind: KindName }): readonly string[] {
  return kindOf(task).sampleLabels?.(task) ?? task.labels;
}

type Each = (typeof kinds)[KindName];

/** Task fields of all kinds: a recipe's tasks share one schema. */
export const fieldsOfKinds = together('fields') as Intersection<Each['fields']>;
export const rewardFieldsOfKinds = together('rewardFields') as Intersection<Each['rewardFields']>;

function together(part: 'fields' | 'rewardFields'): Fields {
  return Object.assign({}, ...kindNames.map((name) => kinds[name][part])) as Fields;
}

/** Metric groups (judge/evaluation/metrics.ts) that score at least one kind. */
export type MetricGroup = Each['metrics'][number] | 'range';

type GateMetric = Each['gateMetrics'][number];
export const gateMetricsOfKinds: readonly GateMetric[] = [
  ...new Set(kindNames.flatMap((name): readonly GateMetric[] => kinds[name].gateMetrics)),
];
