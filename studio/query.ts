/** Queries of addresses, written by the pages and by whoever writes what the pages will ask for. */
export type Values = Readonly<Record<string, string | number | undefined>>;

/** In the order given; empty values are left out. */
export function queryOf(values: Values): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
}

/** Address of what the server says of an experiment. */
export function pathOf(experimentId: string, what = '', values: Values = {}): string {
  const query = queryOf(values);
  const path = `/api/experiments/${encodeURIComponent(experimentId)}${what === '' ? '' : `/${what}`}`;
  return query === '' ? path : `${path}?${query}`;
}
