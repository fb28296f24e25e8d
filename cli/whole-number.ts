import { InvalidArgumentError } from 'commander';

/** Parses an option whose value is an integer, `least` or greater. */
export function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`It must be an integer, ${String(least)} or greater.`);
  };
}

export const wholeNumber = wholeNumberFrom(0);
