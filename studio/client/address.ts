/**
 * The address of what is shown, after the `#`: every view and every filter has one, so that it can be sent to somebody.
 * `#/e/demo/rollouts?run=mt-rl/s0&step=4`: the view `rollouts` of the experiment `demo`.
 */
import { useEffect, useState } from 'preact/hooks';
import { queryOf, type Values } from '../query.ts';

export interface Address {
  /** undefined on the pages that belong to no experiment. */
  readonly experimentId: string | undefined;
  readonly view: string;
  readonly values: Readonly<Record<string, string>>;
}

function addressIn(hash: string): Address {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  const values = Object.fromEntries(new URLSearchParams(query));
  const [first = '', experimentId, view = 'overview'] = parts;
  return first === 'e' && experimentId !== undefined
    ? { experimentId, view, values }
    : { experimentId: undefined, view: first === '' ? 'experiments' : first, values };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Empty values are left out. */
export function linkTo(experimentId: string | undefined, view: string, values: Values = {}): string {
  const path = experimentId === undefined ? `#/${view}` : `#/e/${encodeURIComponent(experimentId)}/${view}`;
  const query = queryOf(values);
  return query === '' ? path : `${path}?${query}`;
}

export function useAddress(): Address {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => {
      setHash(location.hash);
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return addressIn(hash);
}

/** Changes values of the address shown; an empty one is removed. What is typed replaces, a choice adds to the history. */
export function change(address: Address, values: Values, how: 'add' | 'replace' = 'add'): void {
  const link = linkTo(address.experimentId, address.view, { ...address.values, ...values });
  if (how === 'add') location.hash = link;
  else {
    history.replaceState(null, '', link);
    dispatchEvent(new HashChangeEvent('hashchange'));
  }
}
