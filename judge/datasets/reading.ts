/** The result of reading one row: an example, or the reason why the row is unusable. */
import type { Example, LeftOutRow, QuarantinedRow } from '../example.ts';

/** A row that makes no example. */
export type RejectedRow = QuarantinedRow | LeftOutRow;

/** A row that cannot be used, or is not to be: quarantined or left out, and counted; never fatal by itself. */
export class UnusableRow extends Error {
  readonly code: RejectedRow['code'];

  constructor(code: RejectedRow['code'], reason: string) {
    super(reason);
    this.name = 'UnusableRow';
    this.code = code;
  }
}

/** What the action returns, or why the row is unusable; throws what is no UnusableRow. */
export function unusableOr<T>(action: () => T): T | UnusableRow {
  try {
    return action();
  } catch (error) {
    return asUnusable(error);
  }
}

export function asUnusable(error: unknown): UnusableRow {
  if (error instanceof UnusableRow) return error;
  throw error;
}

export interface Reading {
  /** The file, or the name of the world's task and split. */
  readonly source: string;
  /** 1-based line of the file, or index in the world's task. */
  readonly row: number;
  /** The original text of the row. */
  readonly text: () => string;
  readonly outcome: Example | UnusableRow;
  /** The example's images. */
  readonly images: readonly TakenImage[];
}

export interface TakenImage {
  /** Digest of the stored bytes. */
  readonly sha256: string;
  /** Omitted if the image is already stored. */
  readonly bytes?: Uint8Array;
}

/** Digests of the stored images. */
export type StoredImages = Pick<ReadonlySet<string>, 'has'>;

const excerptLengthMax = 200;

/** Where a row was found, with an excerpt of it. */
export type RowPlace = Pick<QuarantinedRow, 'source' | 'row' | 'excerpt'>;

export function placeOf({ source, row, text }: Reading): RowPlace {
  return { source, row, excerpt: excerptOf(text()) };
}

export function excerptOf(text: string): string {
  // a cut through a surrogate pair would leave half a character
  return text.slice(0, excerptLengthMax).replace(/[\uD800-\uDBFF]$/, '');
}

export function rejectedRow({ source, row, excerpt }: RowPlace, problem: UnusableRow): RejectedRow {
  return { source, row, code: problem.code, reason: problem.message, excerpt };
}
