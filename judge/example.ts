/** Task > Example > Prompt > Rollout > Judgment > Reward: the nouns of judging (DESIGN section 2). A field of one stage is never reused for the next. */

export type Split = 'train' | 'val' | 'test';

/** How a judge is asked to answer: reasoning first, or the verdict alone. */
export type AnswerMode = 'think' | 'direct';

/** One thing to be judged, with what people said of it. */
export interface Example {
  /** Unique in its dataset. */
  readonly id: string;
  readonly task: string;
  readonly split: Split;
  /** sha256 of each image's encoded bytes (an ImagePack holds them), in the order the prompt shows them. */
  readonly images: readonly string[];
  /** What the task's prompt template may use. */
  readonly fields: Readonly<Record<string, string>>;
  /** One of the task's labels. */
  readonly label: string;
  /** The number behind the label, where there is one: a mean opinion score under thresholds, the score of a score task. */
  readonly score?: number;
  /** A written reason for the label, for supervised training in `think` mode. */
  readonly rationale?: string;
  /** Examples with the same key share an image, a source object or a prompt: a split never parts them, the bootstrap draws them together. */
  readonly groupKey: string;
}

/** A row that could not become an Example. */
export interface QuarantinedRow {
  readonly source: string;
  readonly row: number;
  readonly code:
    | 'ROW_UNREADABLE'
    | 'FIELD_MISSING'
    | 'LABEL_UNKNOWN'
    | 'IMAGE_MISSING'
    | 'IMAGE_UNREADABLE'
    | 'IMAGE_TOO_LARGE'
    | 'PROMPT_INVALID'
    | 'PROMPT_TOO_LONG'
    | 'DUPLICATE_ID'
    | 'LEAKED';
  readonly reason: string;
  /** At most 200 characters of the row. */
  readonly excerpt: string;
}

/** One sampled answer to an example's prompt, as judging sees it. */
export interface CompletionText {
  /** Decoded, special tokens kept, the stop token left out. */
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
}

/** `score`: the number that a real score task was answered with; `verdict` is then the label nearest to it. */
export type Judgment =
  | { readonly ok: true; readonly verdict: string; readonly rationale: string; readonly score?: number }
  | { readonly ok: false; readonly reason: UnparsableReason };

export type UnparsableReason =
  | 'truncated'
  | 'rationale-missing'
  | 'rationale-repeated'
  | 'verdict-missing'
  | 'verdict-repeated'
  | 'verdict-not-a-label'
  | 'verdict-out-of-range'
  | 'not-json'
  | 'text-outside-tags'
  | 'text-outside-form';

/** R = (1 - a) * accuracy + a * format, accuracy gated on format (PAPER.md); the parts stay apart. */
export interface Reward {
  readonly value: number;
  readonly accuracy: 0 | 1;
  readonly format: 0 | 1;
  /** Scores: 1 - distance to the label over the range, in [0, 1]. */
  readonly closeness?: number;
  /** Pairs sampled in both orders: share of the other order's verdicts that choose the same picture. */
  readonly agreement?: number;
  /** An external grader's, in [0, 1]. */
  readonly graderScore?: number;
  /** Taken off for length. */
  readonly overlongPenalty?: number;
  readonly unparsable?: UnparsableReason;
}
