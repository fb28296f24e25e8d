/** Why an activity is being retried, such as a Hub that does not answer: the workflow itself knows nothing of it. */

/** The fields of a workflow description's pending activities that are read here. */
export interface FailingActivity {
  readonly attempt?: number | null;
  readonly lastFailure?: {
    readonly message?: string | null;
    readonly applicationFailureInfo?: { readonly type?: string | null } | null;
  } | null;
}

/** The coded error of the first activity that failed before and is not given up; undefined if there is none. */
export function retryText(pending: readonly FailingActivity[]): string | undefined {
  const { lastFailure } = pending.find(({ attempt, lastFailure: last }) => (attempt ?? 1) > 1 && last) ?? {};
  if (!lastFailure?.message) return undefined;
  const code = lastFailure.applicationFailureInfo?.type;
  return `retrying after ${code ? `${code}: ` : ''}${lastFailure.message}`;
}
