/** A reader of foreign bytes, and the inputs that it is given. A seed is one input: a failure is repeated by its seed. */
import fc from 'fast-check';
import { MtrlError } from '../../core/errors.ts';
import { UnusableRow } from '../../judge/datasets/reading.ts';

export type Outcome =
  | { readonly kind: 'accepted' }
  /** With the code of the refusal, or the codes of the rows that were quarantined. */
  | { readonly kind: 'refused'; readonly code: string }
  /** An error without a code, or a row that is gone. */
  | { readonly kind: 'crash'; readonly error: string; readonly smallest: string };

/** An input, and what became of it. */
export interface Tried {
  readonly input: unknown;
  readonly outcome: Outcome;
}

export interface FuzzTarget {
  /** `from`: an earlier input of this target, which the new one is near to, if the target can change it. */
  readonly run: (seed: number, from?: Pick<Tried, 'input'>) => Promise<Tried>;
  readonly close: () => Promise<void>;
}

/** @param folder an empty one, for files that the reader is to read */
export type OpenFuzzTarget = (folder: string) => Promise<FuzzTarget>;

const close = (): Promise<void> => Promise.resolve();

interface TargetOptions<T> {
  readonly close?: () => Promise<void>;
  /** Inputs near an earlier one. */
  readonly near?: (input: T) => fc.Arbitrary<T>;
}

/** @param read resolves to `accepted` or to a code; throws coded errors, and anything else for a crash */
export function fuzzTarget<T>(
  inputs: fc.Arbitrary<T>,
  read: (input: T) => Promise<string>,
  { near, ...options }: TargetOptions<T> = {},
): FuzzTarget {
  const attempt = (input: T): Promise<string> => read(input).catch((error: unknown) => codeOf(error));
  return {
    close,
    ...options,
    async run(seed, from) {
      const wanted = from === undefined || near === undefined ? inputs : near(from.input as T);
      const [input] = fc.sample(wanted, { seed, numRuns: 1 }) as [T];
      try {
        const code = await attempt(input);
        return { input, outcome: code === 'accepted' ? { kind: code } : { kind: 'refused', code } };
      } catch (error) {
        const property = fc.asyncProperty(wanted, (each) => attempt(each).then(() => true));
        const found = await fc.check(property, { seed, numRuns: 1, interruptAfterTimeLimit: 20_000 });
        const outcome: Outcome = {
          kind: 'crash',
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
          smallest: textOf(found.counterexample?.[0] ?? input),
        };
        return { input, outcome };
      }
    },
  };
}

/** The code of a refusal; rethrows an error that has none, and one that names a fault of our own. */
function codeOf(error: unknown): string {
  if (error instanceof UnusableRow) return error.code;
  if (error instanceof MtrlError && error.code !== 'INVARIANT') return error.code;
  throw error;
}

const shownLength = 2_000;

function textOf(input: unknown): string {
  const text = Buffer.isBuffer(input) ? `base64:${input.toString('base64')}` : fc.stringify(input);
  return text.length <= shownLength ? text : `${text.slice(0, shownLength)}... (${String(text.length)} characters)`;
}
