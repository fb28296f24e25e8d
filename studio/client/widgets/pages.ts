/** Pages of a list, one after the other: each asks for the next by what the last one said. */
import { useEffect, useState } from 'preact/hooks';
import type { Failure } from '../../api.ts';
import { fetchJson } from '../fetch-json.ts';

interface PageLike {
  readonly rows: readonly unknown[];
  readonly next?: string;
}

export interface Pages<P extends PageLike> {
  readonly rows: P['rows'];
  /** The newest page. */
  readonly last: P | undefined;
  readonly failure: Failure['error'] | undefined;
  readonly isWaiting: boolean;
  /** Absent after the last. */
  readonly more: (() => void) | undefined;
}

/** Rows kept in the page; older ones can be reached again by a narrower filter. */
const rowCountMax = 2_000;

/** @param path without the start of the page; undefined asks nothing */
export function usePages<P extends PageLike>(path: string | undefined): Pages<P> {
  const [state, setState] = useState<{ path: string | undefined; pages: readonly P[]; failure?: Failure['error'] }>();
  const [wanted, setWanted] = useState<string>();
  useEffect(() => setWanted(undefined), [path]);
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    const after = wanted === undefined ? '' : `${path.includes('?') ? '&' : '?'}after=${wanted}`;
    void fetchJson<P>(path + after, abort.signal).then((answer) => {
      if (abort.signal.aborted) return;
      setState((before) => {
        const kept = before?.path === path && wanted !== undefined ? before.pages : [];
        return 'value' in answer
          ? { path, pages: [...kept, answer.value] }
          : { path, pages: kept, failure: answer.failure };
      });
    });
    return () => abort.abort();
  }, [path, wanted]);
  const pages = state?.pages ?? [];
  const last = pages.at(-1);
  const rows = pages.flatMap((page) => page.rows);
  const isWaiting = path !== undefined && (state?.path !== path || (wanted !== undefined && last?.next === wanted));
  const next = state?.path === path && rows.length < rowCountMax ? last?.next : undefined;
  return {
    ...{ rows, last, failure: state?.failure, isWaiting },
    more: next === undefined ? undefined : () => setWanted(next),
  };
}
