/**
 * Types of judging: Example, Judgment and Reward (DESIGN section 2). A field of one stage is never reused for the next.
 */

export type Split = 'train' | 'val' | 'test';

/** Form of an answer: a rationale, then the verdict (`think`), or the verdict alone (`direct`). */
export type AnswerMode = 'think' | 'direct';

/** Part of a candidate or of the context: text of the row, or a picture, as an index into the images of the example. */
export type CandidatePart = { readonly text: string } | { readonly image: number };
/** One of the things that are compared, such as an answer, a picture, or a picture with its caption. */
export type Candidate = readonly CandidatePart[];

/** A part of a rationale, under its name in the task's `sections`. */
export interface Section {
  readonly name: string;
  readonly text: string;
}

/** A reason as one text, or in the sections of its task, in order. */
export type Rationale = string | readonly Section[];

/** One input to judge, with its label. */
export interface Example {
  /** Unique within the dataset. */
  readonly id: string;
  readonly task: string;
  readonly split: Split;
  /**
   * sha256 of each image's encoded bytes (stored in an ImagePack): those of the context, then those of the candidates.
   * Without `candidates`, in prompt order; a kind that compares then compares these images.
   */
  readonly images: readonly string[];
  /** Pieces of the context with texts and images, by the name that the prompt prints them with. */
  readonly context?: Readonly<Record<string, Candidate>>;
  /** What is compared; absent if nothing is, or if each image is a candidate. */
  readonly candidates?: readonly Candidate[];
  /** Values for the task's prompt template, by field name; `a.0.b` is a member of the list `a`. */
  readonly fields: Readonly<Record<string, string>>;
  /** Text in the fields that stands where an image goes; `{n}` in it is the number of the image, from 1. */
  readonly imageMark?: string;
  /** One of the task's labels. */
  readonly label: string;
  /**
   * Numeric value behind the label, if any: the mean opinion score that was thresholded, or the score of a score task.
   */
  readonly score?: number;
  /** A written reason for the label, for supervised training in `think` mode. */
  readonly rationale?: Rationale;
  /**
   * Examples with the same key share an image, a source object or a prompt: splits keep them together, and the
   * bootstrap resamples them as one cluster.
   */
  readonly groupKey: string;
  /** Votes of several people, in the order in which they were first given, one entry a vote. */
  readonly votes?: readonly VoteCount[];
  /** Values of the row fields by which the task's scores are grouped; never shown to the policy. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A vote, and how many people gave it. A vote is a label, of a score task a number as text; null is an abstention. */
export type VoteCount = readonly [vote: string | null, count: number];

/** A row that could not become an Example. */
export interface QuarantinedRow {
  readonly source: string;
  readonly row: number;
  readonly code:
    | 'ROW_UNREADABLE'
    | 'FIELD_MISSING'
    | 'LABEL_UNKNOWN'
    | 'VOTES_UNDECIDED'
    | 'IMAGE_MISSING'
    | 'IMAGE_UNREADABLE'
    | 'IMAGE_TOO_LARGE'
    | 'CANDIDATES_INVALID'
    | 'PROMPT_INVALID'
    | 'PROMPT_TOO_LONG'
    | 'DUPLICATE_ID'
    | 'LEAKED';
  readonly reason: string;
  /** At most 200 characters of the row. */
  readonly excerpt: string;
}

/** A row that the recipe leaves out on purpose: counted, and neither an Example nor quarantined. */
export interface LeftOutRow extends Omit<QuarantinedRow, 'code'> {
  readonly code: 'LEFT_OUT';
}

/** One completion of an example's prompt, as passed to the verdict parsers. */
export interface CompletionText {
  /** Decoded text, with special tokens but without the stop token. */
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
}

/**
 * A parsed answer. With `sections`, `rationale` has a line for each, and a wrong one is named: `sectionShare` is then the
 * share of sections that are right. `score` is set for score tasks with `real`: the number in the answer; `verdict` is then the nearest
 * label.
 */
export type Judgment =
  | {
      readonly ok: true;
      readonly verdict: string;
      readonly rationale: string;
      readonly sections?: readonly Section[];
      readonly score?: number;
    }
  | {
      readonly ok: false;
      readonly reason: UnparsableReason;
      readonly section?: string;
      readonly sectionShare?: number;
    };

export type UnparsableReason =
  | 'truncated'
  | 'rationale-missing'
  | 'rationale-repeated'
  | 'section-missing'
  | 'section-repeated'
  | 'section-out-of-order'
  | 'verdict-missing'
  | 'verdict-repeated'
  | 'verdict-not-a-label'
  | 'verdict-out-of-range'
  | 'criterion-missing'
  | 'criterion-extra'
  | 'not-json'
  | 'text-outside-tags'
  | 'text-outside-form'
  // Of an endpoint, which gives no answer to some rows.
  | 'prompt-too-long'
  | 'refused';

/**
 * R = (1 - a) * accuracy + a * format, with accuracy gated on format (PAPER.md). The parts are kept beside the value.
 */
export interface Reward {
  readonly value: number;
  readonly accuracy: 0 | 1;
  /** In [0, 1]; below 1 only 0, or the share of sections that are right. */
  readonly format: number;
  /** Score tasks: 1 - |score - label| / (range of the labels), in [0, 1]. */
  readonly closeness?: number;
  /** Sampled in several orders: share of the verdicts in the others that choose the same candidate, in [0, 1]. */
  readonly agreement?: number;
  /** Score of the external grader, in [0, 1]. */
  readonly graderScore?: number;
  /** Penalty subtracted for an overlong completion. */
  readonly overlongPenalty?: number;
  readonly unparsable?: UnparsableReason;
}
