/**
 * Checks what happened to the objects of a store: whether the answers of all writes to a key fit some order of them
 * that respects real time (linearisability; Wing and Gong 1993, "Testing and verifying concurrent objects"), and
 * whether a result, once written, was ever overwritten without a condition.
 */

/** A PUT, from its arrival to its answer (milliseconds). */
export interface ObjectOperation {
  readonly key: string;
  /** `absent` for If-None-Match: *, `none`, or the tag of If-Match. */
  readonly condition: string;
  /** sha256 of the bytes. */
  readonly digest: string;
  /** ETag of the object that was written. */
  readonly tag?: string | undefined;
  /** `unknown`: the store was gone before it answered. */
  readonly outcome: 'written' | 'refused' | 'unknown';
  readonly from: number;
  readonly to: number;
}

/**
 * What an HTTP status says of a PUT; undefined if nothing was written for a reason that says nothing of the key, such as
 * a signature with the time of a wrong clock.
 */
export function outcomeOf(status: number | undefined): ObjectOperation['outcome'] | undefined {
  if (status === undefined || status >= 500) return 'unknown';
  if (status < 300) return 'written';
  return status === 412 || status === 409 ? 'refused' : undefined;
}

export interface HistoryProblem {
  readonly key: string;
  readonly found: string;
}

/** Objects that are written under a condition only: of any two writers, one wins. */
const conditionalPrefixes = ['manifests/', 'registry/'];

export function problemsOf(history: readonly ObjectOperation[]): HistoryProblem[] {
  const byKey = new Map<string, ObjectOperation[]>();
  for (const operation of history) byKey.set(operation.key, [...(byKey.get(operation.key) ?? []), operation]);
  return [...byKey].flatMap(([key, operations]) => {
    const found = [
      ...(isLinearisable(operations) ? [] : ['no order of its writes explains their answers']),
      ...(conditionalPrefixes.some((prefix) => key.startsWith(prefix)) ? overwritten(operations) : []),
    ];
    return found.map((each) => ({ key, found: each }));
  });
}

function overwritten(operations: readonly ObjectOperation[]): string[] {
  const written = operations.filter(({ outcome }) => outcome === 'written').sort((a, b) => a.to - b.to);
  const careless = written.filter(
    ({ condition, digest }, place) => condition === 'none' && written[place - 1]?.digest !== digest && place > 0,
  );
  return careless.length === 0 ? [] : [`overwritten ${String(careless.length)} times without a condition`];
}

/** What a key holds: the tag of its object, or nothing. */
type Held = string | undefined;

/** Tries every next operation that began before all others had ended; operations of one key are few. */
function isLinearisable(operations: readonly ObjectOperation[]): boolean {
  const seen = new Set<string>();
  const search = (left: readonly ObjectOperation[], held: Held): boolean => {
    if (left.every(({ outcome }) => outcome === 'unknown')) return true;
    const state = `${String(held)} ${left.map((each) => String(operations.indexOf(each))).join(' ')}`;
    if (seen.has(state)) return false;
    seen.add(state);
    const firstEnd = Math.min(...left.map(({ outcome, to }) => (outcome === 'unknown' ? Infinity : to)));
    return left
      .filter(({ from }) => from <= firstEnd)
      .some((operation) => {
        const rest = left.filter((each) => each !== operation);
        const { condition, outcome, tag } = operation;
        const holds = condition === 'none' || (condition === 'absent' ? held === undefined : held === condition);
        if (outcome === 'refused') return !holds && search(rest, held);
        if (outcome === 'written') return holds && search(rest, tag);
        // It may have been applied, with a tag that nobody was told, or not at all.
        return search(rest, held) || (holds && search(rest, `unknown ${operation.digest}`));
      });
  };
  return search(operations, undefined);
}
