/** What one client may ask of the server. Everything that a request can make grow has a limit here. */
export interface Limits {
  readonly bodyByteLengthMax: number;
  /** Time for a client to send its body. */
  readonly bodyTimeoutMs: number;
  /** Pictures of one request. */
  readonly imageCountMax: number;
  /** Pixels of one picture, checked before it is decoded. */
  readonly pixelCountMax: number;
  /** Rows of one batch. */
  readonly rowCountMax: number;
  /** Answers to one question: `n` of a completion, `votes` of a judgment. */
  readonly sampleCountMax: number;
  /** Tokens of one answer to a chat request. */
  readonly tokenCountMax: number;
  /** Requests that are being answered or wait for it; more are refused with 429. */
  readonly requestCountMax: number;
  /** Time from a request to its answer. */
  readonly deadlineMs: number;
  /** Open connections; more are closed at once. */
  readonly connectionCountMax: number;
  /** Time from SIGTERM until requests that are still being answered are given up. */
  readonly drainTimeoutMs: number;
}

export const defaultLimits: Limits = {
  bodyByteLengthMax: 32 << 20,
  bodyTimeoutMs: 30_000,
  imageCountMax: 64,
  pixelCountMax: 32 << 20,
  rowCountMax: 256,
  sampleCountMax: 32,
  tokenCountMax: 4_096,
  requestCountMax: 256,
  deadlineMs: 120_000,
  connectionCountMax: 2_048,
  drainTimeoutMs: 20_000,
};
