/** What the server answers, as state of a widget; without a server, out of the files of a bundle. */
import { useEffect, useState } from 'preact/hooks';
import type { Failure } from '../api.ts';
import { bundled, isBundle } from './bundle.ts';

export interface Fetched<T> {
  /** The last answer, also while the next one is on its way. */
  readonly value: T | undefined;
  readonly failure: Failure['error'] | undefined;
  readonly isWaiting: boolean;
}

export type Answer<T> = { readonly value: T } | { readonly failure: Failure['error'] };

/** @param path undefined asks nothing */
export function useJson<T>(path: string | undefined, version = 0): Fetched<T> {
  const asked = path === undefined ? undefined : `${path} ${String(version)}`;
  const [state, setState] = useState<Omit<Fetched<T>, 'isWaiting'> & { readonly asked: string | undefined }>({
    ...{ value: undefined, failure: undefined, asked: undefined },
  });
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    setState((before) => ({ ...before, failure: undefined }));
    void fetchJson<T>(path, abort.signal).then((answer) => {
      if (abort.signal.aborted) return;
      setState({
        value: 'value' in answer ? answer.value : undefined,
        failure: 'failure' in answer ? answer.failure : undefined,
        asked,
      });
    });
    return () => abort.abort();
  }, [path, version]);
  // At once, and not only when the effect has run.
  return { ...state, isWaiting: asked !== undefined && state.asked !== asked };
}

export async function fetchJson<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
  return isBundle ? bundled<T>(path) : ask<T>(path, signal ? { signal } : {});
}

export function postJson<T>(path: string, value: unknown): Promise<Answer<T>> {
  return ask<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });
}

async function ask<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  try {
    const response = await fetch(path, init);
    const body: unknown = await response.json();
    return response.ok ? { value: body as T } : { failure: (body as Failure).error };
  } catch {
    return {
      failure: {
        ...{ code: 'UNREACHABLE', message: 'the studio does not answer' },
        hint: 'start it again with `mtrl studio`, and reload the page',
      },
    };
  }
}
