/**
 * Coded errors: every user-visible failure has a code, a place, what was found and what to do. The code becomes the
 * `type` of a Temporal ApplicationFailure (activities/failure.ts), so the terminal, the Web UI and the tests see the
 * same code.
 */

/**
 * How the pipeline treats a code. `user`, `data`, `compute` and `internal` errors end the run at once. Temporal retries
 * `transient` errors (the environment) and `worker` errors (the activity's machine); after a `worker` error, another
 * worker may succeed.
 */
export type ErrorKind = 'user' | 'data' | 'compute' | 'transient' | 'worker' | 'internal';

const errorKinds = {
  // the user's input: exit code 2
  USAGE: 'user',
  RECIPE_INVALID: 'user',
  RECIPE_CONFLICT: 'user',
  // payloads of Temporal that the configured keys do not open
  PAYLOAD_KEY_MISSING: 'user',
  // the user's files: exit code 1
  FILE_MISSING: 'data',
  FILE_UNREADABLE: 'data',
  DATASET_EMPTY: 'data',
  DATASET_QUARANTINE_CEILING: 'data',
  CHECKPOINT_INVALID: 'data',
  CHECKPOINT_UNSUPPORTED: 'data',
  IMAGE_UNREADABLE: 'data',
  PROMPT_INVALID: 'data',
  EXAMPLE_TOO_LONG: 'data',
  NOT_FOUND: 'data',
  // a judge that cannot be promoted
  EVALUATION_MISSING: 'data',
  PROMOTION_HELD_BACK: 'data',
  PROMOTION_CONFLICT: 'data',
  // two pages label the same example at once
  LABEL_CONFLICT: 'data',
  // a promoted judge that no longer agrees with people as its gate asked
  AGREEMENT_FALLEN: 'data',
  // a decision that is not the first, too early or too late
  DECISION_REFUSED: 'data',
  // a run that has passed the requested last step
  BUDGET_REFUSED: 'data',
  // two retrainings of one name at once
  RETRAIN_CONFLICT: 'data',
  // a fork from a step that the run never reached, or with a change that would affect the shared steps
  FORK_STEP_UNREACHED: 'data',
  FORK_CHANGE_REFUSED: 'user',
  // a running experiment cannot be deleted
  EXPERIMENT_RUNNING: 'data',
  // an archive that differs from what was exported, or conflicts with an existing experiment
  ARCHIVE_INVALID: 'data',
  IMPORT_CONFLICT: 'data',
  // cancelled or terminated
  CANCELLED: 'data',
  // payloads of Temporal that were changed after they were encrypted
  PAYLOAD_CORRUPT: 'data',
  // stored bytes do not match their digest
  ARTIFACT_CORRUPT: 'data',
  ARTIFACT_MISSING: 'data',
  // a document that another version of this project wrote
  FORMAT_UNSUPPORTED: 'data',
  // the store answers, but rejects the request
  STORE_REFUSED: 'data',
  // the Hugging Face Hub answers, but gives no access
  HUB_REFUSED: 'data',
  // an address that leads to a private network without saying so
  ADDRESS_REFUSED: 'data',
  // the endpoint of an arm answers, but rejects the request or the key
  ENDPOINT_REFUSED: 'data',
  // a request may have been billed, and there is no answer: not repeated without end
  ENDPOINT_ANSWER_INVALID: 'data',
  // the answers of an arm cost as much as the recipe allows
  ENDPOINT_COST_CEILING: 'data',
  // the server of an engine answers, but rejects the request or the key
  ENGINE_REFUSED: 'data',
  // the server of an engine gives answers that its API does not have
  ENGINE_ANSWER_INVALID: 'data',
  // the computation itself is wrong: the run must stop
  LOGPROB_MISMATCH: 'compute',
  NON_FINITE: 'compute',
  // the means of a step's rollouts are outside the limits of the arm's guards
  POLICY_COLLAPSED: 'compute',
  REPLAY_DIVERGED: 'compute',
  GRAPH_INVALID: 'compute',
  // the planned memory of a single prompt exceeds engine.memoryByteLengthMax
  MEMORY_EXCEEDED: 'compute',
  // the actual memory of a compute process exceeds the worker's limit
  COMPUTE_OUT_OF_MEMORY: 'compute',
  // the environment: retried
  STORE_UNREACHABLE: 'transient',
  HUB_UNREACHABLE: 'transient',
  ENDPOINT_UNREACHABLE: 'transient',
  ENGINE_UNREACHABLE: 'transient',
  GRADER_FAILED: 'transient',
  STORE_FAILED: 'transient',
  STORE_FULL: 'transient',
  // an activity was suspended for so long that its writes may have been garbage-collected
  LEASE_LOST: 'transient',
  TEMPORAL_UNREACHABLE: 'transient',
  // the server at the address of the local stack belongs to another stack
  SERVER_FOREIGN: 'transient',
  COMPUTE_CRASHED: 'transient',
  WORKER_KILLED: 'transient',
  COMPUTE_STALLED: 'transient',
  // a replay on a runtime other than the recorded one gave other weights; another worker may have the recorded one
  RUNTIME_MISMATCH: 'transient',
  // the worker's machine: retried, if possible elsewhere
  DISK_FULL: 'worker',
  FILE_NOT_WRITABLE: 'worker',
  CLOCK_SKEWED: 'worker',
  // the local machine: exit code 1
  SETUP_FAILED: 'data',
  PORT_IN_USE: 'data',
  // the snapshots of an experiment do not fit on the disk of the local store
  DISK_SHORT: 'data',
  // a local server cannot read its own files
  DATA_DAMAGED: 'data',
  // stdout cannot be written, for example because the device is full
  OUTPUT_FAILED: 'data',
  // a requested backend or execution provider is not available; there is no fallback
  PROVIDER_UNAVAILABLE: 'data',
  // a bug
  INVARIANT: 'internal',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** All codes; docs/troubleshooting.md explains each. */
export const errorCodes = Object.keys(errorKinds) as readonly ErrorCode[];

export interface ErrorDetails {
  /** The place: a recipe path, a file, an address, an object's URI. */
  readonly where?: string;
  /** What was found there. */
  readonly found?: string;
  /** What is allowed, or what the user can do. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An error for users. `message` is one sentence; `details` holds the place, the finding and the remedy. */
export class MtrlError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MtrlError';
    this.code = code;
    this.details = details;
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }

  get retryable(): boolean {
    return this.kind === 'transient' || this.kind === 'worker';
  }
}

export function isNotFound(error: unknown): error is MtrlError {
  return error instanceof MtrlError && error.code === 'NOT_FOUND';
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorKinds, text);
}

/** The lines that a user sees on stderr: `CODE: message`, then place, finding and remedy if known. */
export function describeError(error: unknown): string {
  if (!(error instanceof MtrlError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { where, found, hint } = error.details;
  const lines = [`${error.code}: ${error.message}`];
  if (where !== undefined) lines.push(`  at    ${where}`);
  if (found !== undefined) lines.push(`  found ${found}`);
  if (hint !== undefined) lines.push(`  do    ${hint}`);
  return lines.join('\n');
}

/** The exit code: 2 for wrong usage or an invalid recipe, 1 for every other failure. */
export function exitCodeOf(error: unknown): 1 | 2 {
  return error instanceof MtrlError && error.kind === 'user' ? 2 : 1;
}
