/** Values in the query of an address. All throw USAGE, naming the parameter. */
import { MtrlError } from '../../core/errors.ts';

export function text(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (value.length <= 1_000) return value;
  throw new MtrlError('USAGE', 'the value is too long', { where: name, found: `${String(value.length)} characters` });
}

export function requiredText(query: URLSearchParams, name: string): string {
  const value = text(query, name);
  if (value !== undefined) return value;
  throw new MtrlError('USAGE', 'a parameter is missing from the address', { where: name });
}

export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const value = text(query, name);
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new MtrlError('USAGE', 'this must be a whole number, 0 or greater', { where: name, found: value });
}

export function requiredWholeNumber(query: URLSearchParams, name: string): number {
  requiredText(query, name);
  return wholeNumber(query, name) ?? 0;
}

export function decimal(query: URLSearchParams, name: string): number | undefined {
  const value = text(query, name);
  if (value === undefined) return undefined;
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  throw new MtrlError('USAGE', 'this must be a number', { where: name, found: value });
}

/** `yes` or `no`. */
export function choice(query: URLSearchParams, name: string): boolean | undefined {
  const value = text(query, name);
  if (value === undefined) return undefined;
  if (value === 'yes' || value === 'no') return value === 'yes';
  throw new MtrlError('USAGE', 'this must be yes or no', { where: name, found: value });
}

export function oneOf<T extends string>(query: URLSearchParams, name: string, values: readonly T[]): T {
  const value = requiredText(query, name);
  const found = values.find((each) => each === value);
  if (found !== undefined) return found;
  throw new MtrlError('USAGE', 'this value is not one of those allowed', {
    ...{ where: name, found: value, hint: values.join(', ') },
  });
}
