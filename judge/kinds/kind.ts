/**
 * What a kind of task is: all that differs between one kind and another, behind one interface. A kind is one file beside
 * this one and one line of table.ts; everything else asks the kind and never its name.
 *
 * Recipes are checked by these files, so they load zod and core alone: metrics are named here and computed in
 * judge/evaluation/metrics.ts.
 */
import type { z } from 'zod';
import type { Example, Judgment, UnparsableReason } from '../example.ts';
import type { DatasetOptions, LabelField } from '../../recipes/fields/dataset-options.ts';

/** Fields that a kind adds to the recipe, by name, with their docs. */
export type Fields = Readonly<Record<string, z.ZodType>>;
type Values<F extends Fields> = { readonly [Name in keyof F]?: z.output<F[Name]> };

/** What a verdict may be: at least two, as the recipe declares them. */
export type Labels = readonly [string, string, ...string[]];
/** The parts of a task that its kind reads. */
export type KindTask<F extends Fields = Fields> = Values<F> & { readonly labels: Labels };

/** Candidates by their places in the row: [1, 0] shows the second one first. */
export type Order = readonly number[];

/** One row of a dataset. Both throw where the field is missing; `number` also where it holds no finite number. */
export interface RowValues {
  text(field: string): string;
  number(field: string): number;
}

/** What a dataset says of its labels. */
export interface LabelRule {
  readonly field: LabelField;
  /** Row value -> label; empty where row values are labels. */
  readonly labelMap: DatasetOptions['labelMap'];
  readonly labelThresholds?: DatasetOptions['labelThresholds'];
}

export interface RowLabel {
  readonly label: string;
  /** The number behind it, where there is one. */
  readonly score?: number;
}

/** Why a row has no label: what was found in it. */
export interface UnknownLabel {
  readonly unknown: string;
}

/** A verdict that need not be one of the labels: the label that stands for it, and the number that was said. */
export type OpenVerdict = { readonly verdict: string; readonly score: number } | UnparsableReason;

type Read = Extract<Judgment, { ok: true }>;
type Labelled = Pick<Example, 'label' | 'score'>;

export interface Kind<F extends Fields = Fields, R extends Fields = Fields> {
  /** For the recipe reference, after the kind's name. */
  readonly meaning: string;
  /** For the recipe reference: what `labels` says beyond what a verdict may be. */
  readonly labelsMeaning?: string;
  /** Fields of a task of this kind: optional ones, because tasks of all kinds share one schema; another kind's are refused. */
  readonly fields: F;
  /** Fields of an arm's `reward` for tasks of this kind, each with a default. */
  readonly rewardFields: R;

  /** Images of every example; any number where left out. */
  readonly imageCount?: number;
  /**
   * The first order is that of the row; where there is a second, every example is evaluated in both. Kept answers tell
   * them apart by one flag (`swapped`), so there are no more than two.
   */
  readonly orders: readonly Order[];
  /** The i-th label says that the i-th candidate was chosen, so that another order gives an example another label. */
  readonly labelsArePlaces: boolean;

  /** What the labels should be instead; undefined where they are right. */
  labelsProblem?(labels: Labels): string | undefined;
  /** Two row fields may give the label: the one that wins (`greaterOf`, `lesserOf`). */
  readonly takesTwoLabelFields: boolean;
  labelOf(row: RowValues, rule: LabelRule, task: KindTask<F>): RowLabel | UnknownLabel;

  /** How this task's verdicts are read where they need not be one of the labels; undefined where they must. */
  verdictReader?(task: KindTask<F>): ((text: string) => OpenVerdict) | undefined;
  /** In [0, 1]: rewarded in the place of accuracy. Undefined: accuracy, 1 or 0, is. */
  closeness?(judgment: Read, example: Labelled, task: KindTask<F>, reward: Values<R>): number | undefined;

  /** Groups of judge/evaluation/metrics.ts that its tasks are scored by. */
  readonly metrics: readonly string[];
  /** Of the scores, those that a promotion gate may ask of this kind alone. */
  readonly gateMetrics: readonly string[];
  /** For reports: what examples are called and, where there are several orders, what all of them are. */
  readonly words: { readonly examples: string; readonly orders?: string };
}
