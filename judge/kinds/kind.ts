/**
 * The interface of a task kind: everything that differs between kinds. A kind is one file beside this one and one line
 * in table.ts; other code calls the kind instead of comparing its name.
 *
 * Recipe checks import these files, so they depend on zod and core alone: metrics are named here and computed in
 * judge/evaluation/metrics.ts.
 */
import type { z } from 'zod';
import type { Example, Judgment, UnparsableReason } from '../example.ts';
import type { CriteriaFields, DatasetOptions, NumberFields } from '../../recipes/fields/dataset-options.ts';

/** Recipe fields that a kind adds, by name, with their descriptions. */
export type Fields = Readonly<Record<string, z.ZodType>>;
type Values<F extends Fields> = { readonly [Name in keyof F]?: z.output<F[Name]> };

/** The possible verdicts, at least two, as declared in the recipe. */
export type Labels = readonly [string, string, ...string[]];
/** The parts of a task that its kind reads. */
export type KindTask<F extends Fields = Fields> = Values<F> & { readonly labels: Labels };

/** Permutation of the candidates, by position in the row: [1, 0] shows the second candidate first. */
export type Order = readonly number[];

/** One row of a dataset. All methods throw if the field is missing or holds something else. */
export interface RowValues {
  text(field: string): string;
  /** A finite number. */
  number(field: string): number;
  /** A list of finite numbers. */
  numbers(field: string): readonly number[];
}

/** The label settings of a dataset whose rows have labels of their own. */
export interface LabelRule {
  readonly field: string | NumberFields | CriteriaFields;
  /** Row value -> label; empty if row values are labels. */
  readonly labelMap: DatasetOptions['labelMap'];
  readonly labelThresholds?: DatasetOptions['labelThresholds'];
}

export interface RowLabel {
  readonly label: string;
  /** Numeric value behind the label, if any. */
  readonly score?: number;
}

/** The reason why a row has no label, with the value found. */
export interface UnknownLabel {
  readonly unknown: string;
  /** The recipe leaves such rows out. */
  readonly isLeftOut?: boolean;
}

/** A verdict that need not be one of the labels: the label that it maps to, and the number in the answer, if any. */
export type OpenVerdict = { readonly verdict: string; readonly score?: number } | UnparsableReason;

type Read = Extract<Judgment, { ok: true }>;
type Labelled = Pick<Example, 'label' | 'score'>;

/** A task without Macro-F1 and what is computed like it. */
export interface KindVariant {
  readonly metrics: readonly string[];
  readonly gateMetrics: readonly string[];
  readonly hasForcedChoice: boolean;
}

export interface Kind<F extends Fields = Fields, R extends Fields = Fields> {
  /** Description for the recipe reference, printed after the kind's name. */
  readonly meaning: string;
  /** Further description of `labels` for the recipe reference. */
  readonly labelsMeaning?: string;
  /**
   * Task fields of this kind. They are optional because tasks of all kinds share one schema; fields of another kind are
   * rejected.
   */
  readonly fields: F;
  /** Fields of an arm's `reward` for tasks of this kind, each with a default. */
  readonly rewardFields: R;

  /** Least and greatest number of candidates of an example; undefined if nothing is compared. */
  readonly candidateCount?: { readonly min: number; readonly max?: number };
  /** Orders in which an example with so many candidates is evaluated; the first is that of the row. */
  orders(candidateCount: number): readonly Order[];
  /**
   * Whether the i-th label means that the i-th candidate was chosen, so that another order changes an example's label.
   */
  readonly labelsArePlaces: boolean;

  /** The label that says that no candidate is better, if the task has one for all such cases; undefined if not. */
  tieLabel?(labels: Labels): string | undefined;
  /** The labels that an example with so many candidates may have; undefined if all. */
  verdictLabels?(labels: Labels, candidateCount: number): Labels;
  /** Whether a row may have this label; undefined if it must be one of the task's `labels`. */
  isLabel?(label: string, task: KindTask<F>): boolean;
  /** Some labels of rows, if the task's `labels` are none. */
  sampleLabels?(task: KindTask<F>): readonly string[];
  /** One of the task's `labels`, of which metrics of classes count a label as; undefined if labels are classes. */
  classOf?(label: string): string;
  /**
   * False if labels are neither classes nor have one, so that they cannot be drawn equally often (`mixture.balance`).
   * Default: true.
   */
  readonly hasClasses?: boolean;
  /** What rows are counted by and spread over splits by, of few values; undefined if it is the label. */
  stratumOf?(label: string, task: KindTask<F>): string;
  /** Whether a verdict is right; undefined if it must be the label. */
  isRight?(verdict: string, label: string, task: KindTask<F>): boolean;
  /** What is wrong with the fields of a task of this kind; undefined if nothing is. */
  taskProblem?(
    task: KindTask<F>,
  ): { readonly field: string; readonly found: unknown; readonly allowed: string } | undefined;
  /** The labels that this kind requires, in words; undefined if the given ones are valid. */
  labelsProblem?(labels: Labels): string | undefined;
  /** Whether a label may be derived by comparing two row fields (`greaterOf`, `lesserOf`). */
  readonly takesTwoLabelFields: boolean;
  labelOf(row: RowValues, rule: LabelRule, task: KindTask<F>): RowLabel | UnknownLabel;
  /** What votes of several people on a row are; undefined if rows of this kind have none. */
  readonly votesAre?: 'labels' | 'numbers';

  /** Reader for verdicts that need not be labels; undefined if every verdict must be a label. */
  verdictReader?(task: KindTask<F>): ((text: string) => OpenVerdict) | undefined;
  /** Value in [0, 1] that replaces accuracy in the reward; undefined to use accuracy (1 or 0). */
  closeness?(judgment: Read, example: Labelled, task: KindTask<F>, reward: Values<R>): number | undefined;

  /** False if verdicts are no labels whose probabilities could be asked for. Default: true. */
  readonly hasForcedChoice?: boolean;
  /** Metric groups (judge/evaluation/metrics.ts) that score tasks of this kind. */
  readonly metrics: readonly string[];
  /** Scores that a promotion gate may use for this kind only. */
  readonly gateMetrics: readonly string[];
  /** What replaces these for a task whose verdicts are no classes; undefined if they are. */
  variantOf?(task: KindTask<F>): KindVariant | undefined;
  /** Wording for reports: the examples and, if there are several orders, all orders together. */
  readonly words: { readonly examples: string; readonly orders?: string };
}
