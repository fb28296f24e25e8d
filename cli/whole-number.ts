import { InvalidArgumentError } from 'commander';

/** Parses an option whose value is an integer, 0 or greater. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be an integer, 0 or greater.');
  return Number(text);
}
