/** What the server answers, and the client shows: JSON by address. Scores and rates are in [0, 1]. */
import type { TaskScores } from '../judge/evaluation/task-scores.ts';
import type { Judgment, QuarantinedRow, Reward } from '../judge/example.ts';
import type { Ancestry } from '../artifacts/ancestry.ts';
import type { Leak } from '../judge/datasets/joining/leaks.ts';
import type { CurvePoint } from '../judge/report/data.ts';
import type { RolloutRow } from '../pipeline/reporting/rollout-rows.ts';
import type { NameEvent } from '../artifacts/registry.ts';
import type { ScoreSummary } from '../contract/activities.ts';
import type { GateCheck } from '../contract/retraining.ts';
import type { PersonLabel, QueueOrder } from './labels/person-label.ts';

/** `/api/settings`. */
export interface StudioSettings {
  /** Who labels; absent if labels are not taken. */
  readonly labeller?: string;
}

/** `/api/experiments`: running ones first, then the finished ones, newest first. */
export interface ExperimentEntry {
  readonly experimentId: string;
  readonly state: string;
  readonly finishedAtMs?: number;
}

export interface RunView {
  readonly runName: string;
  readonly arm: string;
  readonly seed: number;
  /** Colour of its arm, as in the report. */
  readonly series: number;
  readonly objective: string;
  readonly mode: string;
  readonly algorithm?: string;
  readonly stepCount: number;
  readonly scores: readonly TaskScores[];
}

/** `/api/experiments/:id`. */
export interface ExperimentView {
  readonly experimentId: string;
  readonly name: string;
  readonly summary?: string;
  readonly state: string;
  readonly tasks: readonly TaskView[];
  readonly runs: readonly RunView[];
  readonly dataset?: { readonly exampleCount: number; readonly imageCount: number; readonly quarantinedCount: number };
}

export interface TaskView {
  readonly name: string;
  readonly kind: string;
  readonly ood: boolean;
  readonly labels: readonly string[];
}

/** `/api/experiments/:id/curves`: a long curve is thinned to means over neighbouring steps. */
export interface Curves {
  readonly runs: readonly { readonly runName: string; readonly points: readonly CurvePoint[] }[];
}

/** `/api/experiments/:id/rollouts`. */
export interface RolloutPage {
  readonly rows: readonly (RolloutRow & { readonly images: readonly string[] })[];
  /** Start of the next page; absent after the last. */
  readonly next?: string;
  /** Steps of the run that have rollouts. */
  readonly steps: readonly number[];
}

/** `/api/experiments/:id/matches`: how many rollouts of each step the filter leaves. */
export interface Matches {
  readonly matchCount: number;
  readonly rolloutCount: number;
  readonly steps: readonly { readonly step: number; readonly matchCount: number; readonly rolloutCount: number }[];
  readonly verdicts: readonly string[];
  readonly reasons: readonly string[];
}

/** A picture or a text of a prompt, in order. */
export type PromptPart = { readonly text: string } | { readonly image: string };

export interface ExampleView {
  readonly exampleIndex: number;
  readonly exampleId: string;
  readonly task: string;
  readonly split: string;
  readonly label: string;
  readonly prompt: readonly PromptPart[];
  /** Votes of people, if the row has them. */
  readonly votes?: readonly (readonly [string | null, number])[];
}

export interface TokenView {
  readonly text: string;
  readonly logProb: number;
}

export interface RolloutView {
  readonly text: string;
  readonly tokens: readonly TokenView[];
  readonly finishReason: string;
  readonly judgment: Judgment;
  readonly reward: Reward;
  /** Absent if the log does not tell. */
  readonly advantage?: number;
  readonly isTrained?: boolean;
}

/** `/api/experiments/:id/group`. */
export interface GroupView {
  readonly runName: string;
  readonly step: number;
  readonly prompt: number;
  readonly promptCount: number;
  readonly temperature: number;
  readonly example: ExampleView;
  readonly rollouts: readonly RolloutView[];
}

export interface JudgmentRow {
  readonly exampleIndex: number;
  readonly exampleId: string;
  readonly order: number;
  readonly label: string;
  readonly text: string;
  readonly judgment: Judgment;
  readonly isRight: boolean;
  /** In several orders: whether all of them choose the same candidate. */
  readonly agrees?: boolean;
  readonly probabilities?: readonly number[];
  readonly images: readonly string[];
}

/** `/api/experiments/:id/judgments`. */
export interface JudgmentPage {
  readonly rows: readonly JudgmentRow[];
  readonly matchCount: number;
  readonly next?: string;
}

export interface ComparedRow {
  readonly exampleIndex: number;
  readonly exampleId: string;
  readonly order: number;
  readonly label: string;
  readonly images: readonly string[];
  readonly a: ComparedAnswer;
  readonly b: ComparedAnswer;
}

export interface ComparedAnswer {
  readonly verdict: string | null;
  readonly text: string;
  readonly isRight: boolean;
}

/** `/api/experiments/:id/comparison`. */
export interface Comparison {
  /** Rows by who is right. */
  readonly counts: { readonly both: number; readonly onlyA: number; readonly onlyB: number; readonly neither: number };
  readonly disagreementCount: number;
  /** Disagreements first. */
  readonly rows: readonly ComparedRow[];
  readonly next?: string;
}

/** `/api/experiments/:id/history`: all that was ever said about an example. */
export interface History {
  readonly example: ExampleView;
  readonly rollouts: readonly (RolloutRow & { readonly runName: string })[];
  readonly answers: readonly {
    readonly runName: string;
    readonly order: number;
    readonly label: string;
    readonly text: string;
    readonly judgment: Judgment;
    readonly isRight: boolean;
  }[];
  /** Set if there are more rollouts than are listed. */
  readonly isCut?: true;
}

/** `/api/experiments/:id/quarantine`. */
export interface QuarantinePage {
  readonly rows: readonly QuarantinedRow[];
  readonly rowCount: number;
  readonly next?: string;
}

/** `/api/experiments/:id/leaks`. */
export interface LeakPage {
  readonly rows: readonly Leak[];
  readonly rowCount: number;
  readonly next?: string;
}

/** `/api/experiments/:id/lineage?run=`. */
export interface LineageView {
  readonly runName: string;
  readonly tree: Ancestry;
}

/** `/api/promotions`. */
export interface PromotionsView {
  readonly names: readonly {
    readonly name: string;
    readonly current: number | null;
    readonly events: readonly NameEvent[];
    readonly versions: readonly PromotedView[];
  }[];
}

export interface PromotedView {
  readonly version: number;
  readonly experimentId: string;
  readonly runName: string;
  readonly promotedAt: string;
  readonly approvedBy?: string;
  /** Absent if it was promoted without one. */
  readonly gate?: {
    readonly passed: boolean;
    /** The version that it was compared with, `NAME@VERSION`; null for the first. */
    readonly against: string | null;
    readonly checks: readonly GateCheck[];
  };
  /** Scores on its own test sets, beside those of the version that it was compared with on the own ones of that. */
  readonly tasks: readonly {
    readonly task: string;
    readonly split: string;
    readonly candidate: ScoreSummary;
    readonly current?: ScoreSummary;
  }[];
}

/** `/api/experiments/:id/queue`: the next example to label; without one, all of them are labelled. */
export interface QueueView {
  readonly task: string;
  readonly order: QueueOrder;
  readonly labels: readonly string[];
  readonly labelledCount: number;
  readonly waitingCount: number;
  /** Without its label and votes. */
  readonly example?: Omit<ExampleView, 'label' | 'votes'>;
}

/** Posted to `/api/experiments/:id/labels`. */
export interface GivenLabel {
  readonly task: string;
  readonly exampleIndex: number;
  readonly label: string;
  readonly order: QueueOrder;
  readonly note?: string;
}

/** What the judges said, which is shown after the label is kept. */
export interface LabelAnswer {
  readonly kept: PersonLabel;
  /** Label of the row. */
  readonly label: string;
  readonly answers: History['answers'];
}

/** `/api/experiments/:id/agreement`: from examples that were chosen at random alone. */
export interface AgreementView {
  readonly labelCount: number;
  readonly randomCount: number;
  readonly people: number;
  readonly runs: readonly { readonly runName: string; readonly count: number; readonly agreedCount: number }[];
}

/** Any failed request: the body, with the status that fits the code. */
export interface Failure {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly where?: string;
    readonly found?: string;
    readonly hint?: string;
  };
}
