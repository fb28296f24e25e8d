import { MtrlError } from '../../core/errors.ts';

/** Environment variables, of a process or set by a test. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Value of a variable; an empty one counts as unset, as in shells. */
export function valueOf(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/** A URL without slashes at its end; undefined if the variable is unset. Throws USAGE. */
export function urlOf(env: Env, variable: string, what: string): string | undefined {
  const url = valueOf(env, variable);
  if (url === undefined || URL.canParse(url)) return url?.replace(/\/+$/, '');
  throw new MtrlError('USAGE', `${variable} is not a URL`, {
    where: `environment variable ${variable}`,
    found: JSON.stringify(url),
    hint: `use http(s)://host:port of ${what}`,
  });
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Parses a variable of the form `host:port`; undefined if it is unset. Throws USAGE. */
export function addressOf(env: Env, variable: string): Address | undefined {
  const text = valueOf(env, variable);
  if (text === undefined) return undefined;
  const [, host, port] = /^\[?([^\s/]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (host !== undefined && Number(port) < 65_536) return { host, port: Number(port) };
  throw new MtrlError('USAGE', `${variable} is not host:port`, {
    where: `environment variable ${variable}`,
    found: text,
    hint: 'for example 0.0.0.0:8081',
  });
}
