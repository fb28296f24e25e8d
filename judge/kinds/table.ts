/** All task kinds, in the order of the recipe reference. */
import type { Intersection } from '../../core/intersection.ts';
import type { Fields, Kind } from './kind.ts';
import { choice } from './choice.ts';
import { pairwise } from './pairwise.ts';
import { pointwise } from './pointwise.ts';
import { score } from './score.ts';

export const kinds = {
  pointwise,
  pairwise,
  choice,
  score,
};

export type KindName = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as KindName[];

export function kindOf({ kind }: { readonly kind: KindName }): Kind {
  return kinds[kind];
}

export function kindsWhere(holds: (kind: Kind) => boolean): KindName[] {
  return kindNames.filter((kind) => holds(kindOf({ kind })));
}

type Each = (typeof kinds)[KindName];

/** Task fields of all kinds: a recipe's tasks share one schema. */
export const fieldsOfKinds = together('fields') as Intersection<Each['fields']>;
export const rewardFieldsOfKinds = together('rewardFields') as Intersection<Each['rewardFields']>;

function together(part: 'fields' | 'rewardFields'): Fields {
  return Object.assign({}, ...kindNames.map((name) => kinds[name][part])) as Fields;
}

/** Metric groups (judge/evaluation/metrics.ts) that score at least one kind. */
export type MetricGroup = Each['metrics'][number];

type GateMetric = Each['gateMetrics'][number];
export const gateMetricsOfKinds: readonly GateMetric[] = [
  ...new Set(kindNames.flatMap((name): readonly GateMetric[] => kinds[name].gateMetrics)),
];
